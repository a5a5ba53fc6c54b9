-- When each API was made and last changed; a trigger keeps it, so releases that know schema 1 alone go on working.
alter table apis
    add column created_at timestamptz not null default now(),
    add column updated_at timestamptz not null default now();

create function apis_touch() returns trigger language plpgsql as $$
begin
    new.updated_at := now();
    return new;
end
$$;

create trigger apis_touch before update on apis for each row execute function apis_touch();
