//! Bearer tokens: who may read and write.
use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    app::App,
    keys::{KeyError, Keys},
    problem::Problem,
    signatures,
};

const READ: &str = "apis:read";
const WRITE: &str = "apis:write";
/// Seconds that clocks may differ.
const LEEWAY: u64 = 5;

/// Checks the tokens of one issuer for one audience.
pub(crate) struct Verifier {
    keys: Keys,
    issuer: String,
    audience: String,
}

/// What a good token says.
#[derive(Deserialize, Clone, Debug)]
pub(crate) struct Claims {
    sub: Option<String>,
    exp: u64,
    #[serde(default)]
    scope: String,
    /// Some issuers list scopes here instead.
    #[serde(default)]
    scp: Vec<String>,
}

impl Claims {
    fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.split_whitespace().chain(self.scp.iter().map(String::as_str))
    }
}

impl Verifier {
    pub(crate) fn new(issuer: &str, audience: &str, client: Client) -> Self {
        signatures::install();
        Self {
            keys: Keys::new(issuer.to_owned(), client),
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
        }
    }

    async fn verify(&self, token: &str) -> Result<Claims, Problem> {
        let refused = |why: String| unauthorized(&why);
        let header = decode_header(token).map_err(|error| refused(error.to_string()))?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Err(refused(format!("algorithm {:?} is not accepted", header.alg)));
        }
        let key = self
            .keys
            .find(header.kid.as_deref())
            .await
            .map_err(|error| match error {
                KeyError::Unknown => refused(error.to_string()),
                KeyError::Issuer => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the issuer can't be used now"),
            })?;
        let key = DecodingKey::from_jwk(&key).map_err(|error| refused(error.to_string()))?;
        let mut validation = Validation::new(header.alg);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        decode(token, &key, &validation)
            .map(|data| data.claims)
            .map_err(|error| refused(error.to_string()))
    }
}

/// Guards `/api/v1`. A token that is sent must be good and fit. Writing needs one as soon as an issuer is configured.
pub(crate) async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if let Some(verifier) = &app.verifier {
        match bearer(request.headers())? {
            Some(token) => {
                let claims = verifier.verify(token).await?;
                let needed = if reads { READ } else { WRITE };
                if !claims.scopes().any(|scope| scope == needed) {
                    return Err(forbidden(needed));
                }
                request.extensions_mut().insert(claims);
            }
            None if reads => {}
            None => return Err(unauthorized("writing needs a bearer token")),
        }
    }
    Ok(next.run(request).await)
}

/// `GET /api/v1/whoami`: needs a token always, so without an issuer it answers 401.
pub(crate) async fn who_am_i(claims: Option<Extension<Claims>>) -> Result<Json<Value>, Problem> {
    let Extension(claims) = claims.ok_or_else(|| unauthorized("this needs a bearer token of a configured issuer"))?;
    Ok(Json(
        json!({"subject": claims.sub, "scopes": claims.scopes().collect::<Vec<_>>(), "expires": claims.exp}),
    ))
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let (scheme, token) = value.to_str().unwrap_or_default().split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
        return Err(unauthorized("the Authorization header holds no bearer token"));
    }
    Ok(Some(token.trim()))
}

fn unauthorized(why: &str) -> Problem {
    let challenge = HeaderValue::from_static(r#"Bearer realm="api-management""#);
    Problem::new(StatusCode::UNAUTHORIZED, why).with_header(header::WWW_AUTHENTICATE, challenge)
}

fn forbidden(scope: &str) -> Problem {
    let challenge = format!(r#"Bearer error="insufficient_scope", scope="{scope}""#);
    let challenge = HeaderValue::try_from(challenge).expect("scopes are header values");
    Problem::new(StatusCode::FORBIDDEN, format!("the token lacks scope `{scope}`"))
        .with_header(header::WWW_AUTHENTICATE, challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_come_from_either_claim() {
        let claims: Claims =
            serde_json::from_value(json!({"exp": 1, "scope": "apis:read other", "scp": ["apis:write"]})).unwrap();
        assert_eq!(
            claims.scopes().collect::<Vec<_>>(),
            ["apis:read", "other", "apis:write"]
        );
    }

    #[test]
    fn an_authorization_header_that_is_no_bearer_token_is_refused_not_ignored() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers).unwrap(), None);
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("bearer abc"));
        assert_eq!(bearer(&headers).unwrap(), Some("abc"));
        for wrong in ["Basic abc", "Bearer ", "Bearer"] {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(wrong));
            assert_eq!(
                bearer(&headers).unwrap_err().status,
                StatusCode::UNAUTHORIZED,
                "{wrong}"
            );
        }
    }
}
