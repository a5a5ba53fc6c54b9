//! Tokens by client credentials (RFC 6749, 4.4), and the same tokens tampered with. No token leaves this process.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    Outcome,
    client::{Body, Call, Client, Reply},
};
use crate::{
    probe::errand::Credential,
    snapshot::hostile,
    values::{ExpectedAuthentication, ExpectedClient},
};

/// How long an issuer may take that has just been started, as with a new cluster; it then answers nobody, or by its proxy.
const STARTING: Duration = Duration::from_secs(25);
/// Between two looks at whether it answers.
const PAUSE: Duration = Duration::from_secs(1);

/// `application/x-www-form-urlencoded`, as RFC 6749 wants it also inside HTTP Basic (2.3.1).
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*');

/// What the issuer says of itself (`OpenID` Connect Discovery 1.0, 4.2).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Discovery {
    issuer: String,
    pub(super) jwks_uri: String,
    pub(super) token_endpoint: String,
    pub(super) authorization_endpoint: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// A token that was issued.
pub(super) struct Token(Zeroizing<String>);

/// Who could get tokens, and what the issuer said.
#[derive(Default)]
pub(super) struct Tokens {
    pub(super) discovery: Option<Result<Discovery, String>>,
    by_role: BTreeMap<String, Result<Token, Outcome>>,
}

impl Tokens {
    /// Asks the declared issuer for a token of each declared client.
    pub(super) async fn fetch(client: &Client, declared: &ExpectedAuthentication) -> Self {
        if declared.issuer.is_empty() {
            return Self::default();
        }
        let discovery = discover(client, &declared.issuer).await;
        let each = declared.clients.iter().enumerate().map(async |(index, expected)| {
            let token = match &discovery {
                Ok(discovery) => issue(client, discovery, index, expected).await,
                Err(why) => Err(Outcome::Wrong(why.clone())),
            };
            (expected.role.clone(), token)
        });
        let by_role = futures::future::join_all(each).await.into_iter().collect();
        Self {
            discovery: Some(discovery),
            by_role,
        }
    }

    /// The token of a role; none for no role.
    pub(super) fn of(&self, role: &str) -> Result<Option<&str>, Outcome> {
        if role.is_empty() {
            return Ok(None);
        }
        self.token(role).map(|token| Some(token.text()))
    }

    /// The token of a role.
    pub(super) fn token(&self, role: &str) -> Result<&Token, Outcome> {
        match self.by_role.get(role) {
            Some(Ok(token)) => Ok(token),
            Some(Err(outcome)) => Err(outcome.clone()),
            None if self.discovery.is_none() => Err(Outcome::Untried(
                "`checklist.authentication.issuer` declares no issuer".into(),
            )),
            None => Err(Outcome::Untried(format!(
                "`checklist.authentication.clients` declares none for the role `{role}`"
            ))),
        }
    }
}

async fn discover(client: &Client, issuer: &str) -> Result<Discovery, String> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let began = Instant::now();
    let reply = loop {
        let reply = client.call(Call::get(&url)).await;
        let status = reply.as_ref().ok().map(|reply| reply.status.as_u16());
        if !may_still_start(status) || began.elapsed() > STARTING {
            break reply.map_err(|why| format!("{url}: {why}"))?;
        }
        tokio::time::sleep(PAUSE).await;
    };
    let discovery: Discovery = answered(&url, &reply)?;
    if discovery.issuer != issuer {
        let named = hostile::capped(&discovery.issuer, 100);
        return Err(format!("{url} names the issuer `{named}` instead of `{issuer}`"));
    }
    if discovery.token_endpoint.is_empty() || discovery.jwks_uri.is_empty() {
        return Err(format!("{url} lacks `token_endpoint` or `jwks_uri`"));
    }
    Ok(discovery)
}

/// Whether nobody answers, or the proxy before it says that nobody does (RFC 9110, 15.6.3 to 15.6.5).
fn may_still_start(status: Option<u16>) -> bool {
    status.is_none_or(|status| matches!(status, 502..=504))
}

/// An answer of the issuer that must be good and of a shape. Its words are not repeated: they may hold a token.
fn answered<T: serde::de::DeserializeOwned>(url: &str, reply: &Reply) -> Result<T, String> {
    if reply.status.as_u16() != 200 {
        return Err(format!("{url} answers {}", reply.status.as_u16()));
    }
    serde_json::from_slice(&reply.body).map_err(|_| format!("{url} answers something else than it should"))
}

/// A secret that the pod was given.
pub(super) fn given(credential: Credential, part: &str) -> Option<Zeroizing<String>> {
    std::env::var(credential.variable(part))
        .ok()
        .map(Zeroizing::new)
        .filter(|value| !value.trim().is_empty())
}

/// A token for a client, once the issuer has shown that it looks at the client's secret.
async fn issue(
    client: &Client,
    discovery: &Discovery,
    index: usize,
    expected: &ExpectedClient,
) -> Result<Token, Outcome> {
    let credential = Credential::Client(index);
    let (Some(id), Some(secret)) = (given(credential, "ID"), given(credential, "SECRET")) else {
        return Err(Outcome::Untried(format!(
            "secret/{} has no key `{}` or `{}`",
            expected.secret, expected.id_key, expected.secret_key
        )));
    };
    let wrong = |why: String| Outcome::Wrong(format!("role `{}`: {why}", expected.role));
    let form = |scope: &str| {
        let mut form = vec![("grant_type", "client_credentials".to_owned())];
        if !scope.is_empty() {
            form.push(("scope", scope.to_owned()));
        }
        form
    };
    // A client whose wrong secret is as good proves nothing with the right one.
    let other = format!("wrong-{}", jiff::Timestamp::now().as_nanosecond());
    let refused = client
        .call(ask(discovery, form(&expected.scope), &id, Some(&other)))
        .await
        .map_err(wrong)?;
    if !matches!(refused.status.as_u16(), 400 | 401) {
        return Err(wrong(format!(
            "the issuer answers {} to a wrong secret",
            refused.status.as_u16()
        )));
    }
    let reply = client
        .call(ask(discovery, form(&expected.scope), &id, Some(&secret)))
        .await
        .map_err(wrong)?;
    Token::in_answer(&discovery.token_endpoint, &reply).map_err(wrong)
}

/// A request to the token endpoint: by HTTP Basic where the issuer takes it, else in the form.
pub(super) fn ask(discovery: &Discovery, mut form: Vec<(&str, String)>, id: &str, secret: Option<&str>) -> Call {
    let methods = discovery.token_endpoint_auth_methods_supported.as_ref();
    // Left out, it is client_secret_basic (Discovery 1.0, 3).
    let basic = methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"));
    let encoded = |text: &str| utf8_percent_encode(text, FORM).to_string();
    let mut call = Call::get(&discovery.token_endpoint);
    call.method = "POST".into();
    call = call
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "application/json");
    match secret {
        Some(secret) if basic => {
            let login = Zeroizing::new(format!("{}:{}", encoded(id), encoded(secret)));
            let login = base64::prelude::BASE64_STANDARD.encode(login.as_bytes());
            call = call.header("authorization", format!("Basic {login}"));
        }
        Some(secret) => form.extend([("client_id", id.to_owned()), ("client_secret", secret.to_owned())]),
        None => form.push(("client_id", id.to_owned())),
    }
    call.body = Body::Bytes(form_text(&form).into_bytes());
    call
}

/// A form.
pub(super) fn form_text(form: &[(&str, String)]) -> String {
    let pairs = form.iter().map(|(name, value)| {
        format!(
            "{}={}",
            utf8_percent_encode(name, FORM),
            utf8_percent_encode(value, FORM)
        )
    });
    pairs.collect::<Vec<_>>().join("&")
}

impl Token {
    /// The token in an answer of the token endpoint.
    pub(super) fn in_answer(url: &str, reply: &Reply) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Issued {
            access_token: Zeroizing<String>,
            token_type: String,
        }
        if reply.status.as_u16() != 200 {
            // The error code is the issuer's own short word (RFC 6749, 5.2).
            let json = reply.json();
            let code = json["error"].as_str().unwrap_or_default();
            return Err(format!(
                "{url} answers {} {}",
                reply.status.as_u16(),
                hostile::capped(code, 40)
            ));
        }
        let issued: Issued = answered(url, reply)?;
        if !issued.token_type.eq_ignore_ascii_case("bearer") {
            return Err(format!("{url} issues something else than bearer tokens"));
        }
        Ok(Self(issued.access_token))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    fn parts(&self) -> Option<(&str, &str, &str)> {
        let mut parts = self.0.split('.');
        let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
        parts.next().is_none().then_some((header, claims, signature))
    }

    fn decoded(part: &str) -> Value {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Its header; null when it is no JSON Web Token.
    pub(super) fn header(&self) -> Value {
        self.parts()
            .map(|(header, ..)| Self::decoded(header))
            .unwrap_or_default()
    }

    /// What it claims; null when it is no JSON Web Token.
    pub(super) fn claims(&self) -> Value {
        self.parts()
            .map(|(_, claims, _)| Self::decoded(claims))
            .unwrap_or_default()
    }

    /// Whether it is meant for an audience.
    pub(super) fn is_for(&self, audience: &str) -> bool {
        let claims = self.claims();
        match &claims["aud"] {
            Value::Array(all) => all.iter().any(|one| one == audience),
            one => one == audience,
        }
    }

    /// The same claims under a signature of which one bit is another.
    pub(super) fn with_another_signature(&self) -> Option<Zeroizing<String>> {
        let (header, claims, signature) = self.parts()?;
        let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        let middle = bytes.len() / 2;
        *bytes.get_mut(middle)? ^= 1;
        Some(Zeroizing::new(format!(
            "{header}.{claims}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(bytes)
        )))
    }

    /// Other claims under the same signature.
    pub(super) fn with_other_claims(&self) -> Option<Zeroizing<String>> {
        let (header, _, signature) = self.parts()?;
        let mut claims = self.claims();
        claims.as_object_mut()?.insert("sub".into(), json!("somebody-else"));
        let claims = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
        Some(Zeroizing::new(format!("{header}.{claims}.{signature}")))
    }

    /// The same claims and the word that nobody signed them (RFC 8725, 3.1).
    pub(super) fn without_signature(&self) -> Option<Zeroizing<String>> {
        let (_, claims, _) = self.parts()?;
        let mut header = self.header();
        header.as_object_mut()?.insert("alg".into(), json!("none"));
        let header = BASE64_URL_SAFE_NO_PAD.encode(header.to_string());
        Some(Zeroizing::new(format!("{header}.{claims}.")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let (header, claims) = (
            part(json!({"alg": "RS256", "kid": "1"})),
            part(json!({"aud": ["a", "b"], "sub": "me", "exp": 7})),
        );
        Token(Zeroizing::new(format!(
            "{header}.{claims}.{}",
            BASE64_URL_SAFE_NO_PAD.encode([0_u8; 64])
        )))
    }

    #[test]
    fn only_an_issuer_that_does_not_answer_itself_is_waited_for() {
        for status in [None, Some(502), Some(503), Some(504)] {
            assert!(may_still_start(status), "{status:?}");
        }
        for status in [200, 301, 401, 404, 500] {
            assert!(!may_still_start(Some(status)), "{status}");
        }
    }

    #[test]
    fn a_token_is_read_and_each_forgery_differs_in_one_part_alone() {
        let token = token();
        assert!(token.is_for("b") && !token.is_for("c"));
        assert_eq!(token.claims()["exp"], 7);
        let whole: Vec<_> = token.text().split('.').collect();
        let differs = |forged: Option<Zeroizing<String>>| {
            let forged = forged.unwrap();
            let parts: Vec<_> = forged.split('.').map(str::to_owned).collect();
            let same: Vec<_> = whole.iter().zip(&parts).map(|(left, right)| left == right).collect();
            (parts.len(), same)
        };
        assert_eq!(differs(token.with_another_signature()), (3, vec![true, true, false]));
        assert_eq!(differs(token.with_other_claims()), (3, vec![true, false, true]));
        assert_eq!(differs(token.without_signature()), (3, vec![false, true, false]));
        let forged = Token(token.without_signature().unwrap());
        assert_eq!(
            (forged.header()["alg"].as_str(), forged.header()["kid"].as_str()),
            (Some("none"), Some("1"))
        );
    }

    #[test]
    fn an_opaque_token_cannot_be_forged_and_claims_nothing() {
        let token = Token(Zeroizing::new("opaque".into()));
        assert!(token.claims().is_null() && token.with_another_signature().is_none() && !token.is_for("a"));
    }

    #[test]
    fn credentials_go_as_the_issuer_takes_them() {
        let mut discovery = Discovery {
            token_endpoint: "https://a/token".into(),
            ..Discovery::default()
        };
        let basic = ask(
            &discovery,
            vec![("grant_type", "client_credentials".into())],
            "a b",
            Some("c:d"),
        );
        let login = base64::prelude::BASE64_STANDARD.encode("a%20b:c%3Ad");
        assert!(
            basic
                .headers
                .contains(&("authorization".into(), format!("Basic {login}")))
        );
        discovery.token_endpoint_auth_methods_supported = Some(vec!["client_secret_post".into()]);
        let post = ask(&discovery, Vec::new(), "a", Some("c&d"));
        assert!(matches!(&post.body, Body::Bytes(body) if body == b"client_id=a&client_secret=c%26d"));
    }
}
