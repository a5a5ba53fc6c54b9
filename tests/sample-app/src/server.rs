//! Puts the parts together, serves, and stops without dropping a request.
use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, atomic::Ordering},
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware,
    routing::{any, get, put},
};
use reqwest::{Certificate, Client, redirect};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::{sleep, timeout},
};
use tracing::{error, info, warn};

use crate::{
    apis,
    app::App,
    cache::{self, Cache},
    database::Database,
    dependencies,
    files::{self, Files},
    gateway::{self, Gateway},
    health,
    illness::Illness,
    metrics::{self, Metrics},
    problem::Problem,
    rate_limit::{self, RateLimit},
    requests,
    settings::{ServeSettings, Settings, SettingsError},
    tokens::{self, Verifier},
    traces::Tracer,
};

/// Why the server can't start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("can't prepare the connection to Redis")]
    Redis(#[from] redis::RedisError),
    #[error("can't read OUTGOING_CA_FILE {path}")]
    AuthorityFile { path: PathBuf, source: io::Error },
    #[error("can't prepare outgoing requests")]
    Outgoing(#[from] reqwest::Error),
    #[error("can't listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("can't wait for signals")]
    Signals(#[source] io::Error),
    #[error("serving failed")]
    Serve(#[source] io::Error),
}

/// Serves until SIGTERM or SIGINT, or until an illness ends it.
pub(crate) async fn serve(
    settings: &Settings,
    mut serving: ServeSettings,
    illness: Illness,
) -> Result<ExitCode, StartError> {
    let app = Arc::new(build(settings, &serving, illness)?);
    tokio::select! {
        result = listen(app.clone(), &mut serving) => result.map(|()| ExitCode::SUCCESS),
        code = dependencies::watch(app.clone()) => Ok(code),
        code = app.illness.exit() => Ok(code),
        () = app.illness.leak_memory() => unreachable!("a leak has no end"),
    }
}

fn build(settings: &Settings, serving: &ServeSettings, illness: Illness) -> Result<App, StartError> {
    let client = outgoing(serving)?;
    let verifier = (!serving.oidc_issuer.is_empty())
        .then(|| Verifier::new(&serving.oidc_issuer, &serving.oidc_audience, client.clone()));
    if verifier.is_none() {
        warn!("no OIDC_ISSUER: whoever reaches this port may write");
    }
    let tracer = (!serving.tracing_endpoint.is_empty())
        .then(|| Tracer::start(&serving.tracing_endpoint, serving.tracing_one_in, client.clone()));
    Ok(App {
        tracer,
        database: Database::new(settings.database()?, settings.database_pool_size),
        cache: Cache::new(serving.redis()?)?,
        cache_ttl: serving.cache_ttl,
        gateway: Gateway::new(serving.backend_routes.0.clone(), client),
        files: Files {
            folder: serving.files_dir.clone(),
            max_bytes: serving.max_upload_bytes,
        },
        verifier,
        rate_limit: RateLimit::new(serving.rate_limit_per_second),
        metrics: Metrics::new(),
        schema_range: settings.schema_range(&illness),
        max_body_bytes: serving.max_body_bytes,
        illness,
        connection_leak: Arc::default(),
        draining: false.into(),
    })
}

/// The client of the issuer and the backends. Redirects are passed on, not followed.
fn outgoing(serving: &ServeSettings) -> Result<Client, StartError> {
    let builder = || Client::builder().redirect(redirect::Policy::none()).no_proxy();
    if let Some(path) = &serving.outgoing_ca_file {
        let pem = std::fs::read(path).map_err(|source| StartError::AuthorityFile {
            path: path.clone(),
            source,
        })?;
        return Ok(builder().tls_certs_only(Certificate::from_pem_bundle(&pem)?).build()?);
    }
    builder().build().or_else(|error| {
        warn!(
            error = dependencies::describe(&error),
            "no authorities on this system: https to issuer and backends will fail"
        );
        Ok(builder().tls_certs_only([]).build()?)
    })
}

async fn listen(app: Arc<App>, serving: &mut ServeSettings) -> Result<(), StartError> {
    // Before the socket exists, so that no SIGTERM can fall between.
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::Signals)?;
    tokio::select! {
        () = app.illness.before_listening(serving) => {}
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    }
    let failed = |source| StartError::Listen {
        address: serving.listen,
        source,
    };
    let listener = TcpListener::bind(serving.listen).await.map_err(failed)?;
    info!(address = %listener.local_addr().map_err(failed)?, version = env!("CARGO_PKG_VERSION"), "listening");

    let (stop, mut stopped) = watch::channel(false);
    let service = router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let stopping = async move {
        // An error means that the sender is gone, which is as good as its word.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let mut server = tokio::spawn(
        axum::serve(listener, service)
            .with_graceful_shutdown(stopping)
            .into_future(),
    );
    tokio::select! {
        ended = &mut server => return ended.expect("the server does not panic").map_err(StartError::Serve),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    app.draining.store(true, Ordering::Relaxed);
    info!(delay = ?serving.drain_delay, "shutdown: not ready any more, still serving");
    sleep(serving.drain_delay).await;
    let _ = stop.send(true);
    if let Ok(ended) = timeout(serving.shutdown_timeout, server).await {
        ended.expect("the server does not panic").map_err(StartError::Serve)?;
    } else {
        error!(after = ?serving.shutdown_timeout, "shutdown: requests are still in flight, ending them");
    }
    if let Some(tracer) = &app.tracer {
        tracer.flush().await;
    }
    info!("shutdown: done");
    Ok(())
}

fn router(app: Arc<App>) -> Router {
    let files = put(files::upload).get(files::download).delete(files::delete);
    let api = Router::new()
        .route("/apis", get(apis::list).post(apis::create))
        .route("/apis/{id}", get(apis::read).put(apis::update).delete(apis::delete))
        .route(
            "/cache/{key}",
            get(cache::get_key).put(cache::put_key).delete(cache::delete_key),
        )
        .route("/files/{name}", files)
        .route("/whoami", get(tokens::who_am_i))
        .route_layer(middleware::from_fn_with_state(app.clone(), tokens::guard));
    let limited = Router::new()
        .nest("/api/v1", api)
        .route("/gateway/{prefix}", any(gateway::pass))
        .route("/gateway/{prefix}/", any(gateway::pass))
        .route("/gateway/{prefix}/{*rest}", any(gateway::pass))
        .route_layer(middleware::from_fn_with_state(app.clone(), rate_limit::limit));
    Router::new()
        .route("/health", get(health::overall))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(metrics::show))
        .merge(limited)
        .fallback(async |request: Request| Problem::not_found(format!("no route {}", request.uri().path())))
        .layer(DefaultBodyLimit::max(app.max_body_bytes))
        .layer(middleware::from_fn_with_state(app.clone(), requests::observe))
        .with_state(app)
}
