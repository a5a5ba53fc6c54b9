-- The APIs that the gateway knows.
create table apis (
    id bigint generated always as identity primary key,
    name text not null unique,
    upstream text not null,
    version text not null
);
