//! A person with a browser: the authorization code flow with PKCE (RFC 7636), through the issuer's own login page.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    Outcome, Visit,
    client::{Body, Call, Reply, Target},
    tokens::{Discovery, Token, ask, form_text, given},
};
use crate::{probe::errand::Credential, snapshot::hostile, values::ExpectedCodeFlow};

/// A person waits longer for a page than a program for an answer; the first ones after a start are slow.
const PATIENCE: Duration = Duration::from_secs(20);
/// Redirects of the issuer that are followed until it sends the code.
const HOPS: usize = 8;

/// Logs in, when that is declared; what is got must open the declared call.
pub(super) async fn log_in(visit: &Visit, discovery: &Discovery) -> Option<Outcome> {
    let declared = visit.errand.authentication.code_flow.as_ref()?;
    Some(match flow(visit, discovery, declared).await {
        Ok(()) => Outcome::Held,
        Err(outcome) => outcome,
    })
}

async fn flow(visit: &Visit, discovery: &Discovery, declared: &ExpectedCodeFlow) -> Result<(), Outcome> {
    let wrong = Outcome::Wrong;
    let key = |part: &str, key: &str| {
        given(Credential::Person, part)
            .ok_or_else(|| Outcome::Untried(format!("secret/{} has no key `{key}`", declared.secret)))
    };
    let id = key("ID", &declared.id_key)?;
    let name = key("NAME", &declared.username_key)?;
    let password = key("PASSWORD", &declared.password_key)?;
    // A code that was fetched by another challenge must not be redeemable: this is all that PKCE is for.
    let code = code(visit, discovery, declared, &id, &name, &password)
        .await
        .map_err(wrong)?;
    let other = secret_word().map_err(wrong)?;
    let stolen = redeem(visit, discovery, declared, &id, &code.0, &other)
        .await
        .map_err(wrong)?;
    if !matches!(stolen.status.as_u16(), 400 | 401) {
        return Err(wrong(format!(
            "a code is redeemed with a wrong verifier: {}",
            stolen.status.as_u16()
        )));
    }
    let code = self::code(visit, discovery, declared, &id, &name, &password)
        .await
        .map_err(wrong)?;
    let reply = redeem(visit, discovery, declared, &id, &code.0, &code.1)
        .await
        .map_err(wrong)?;
    let token = Token::in_answer(&discovery.token_endpoint, &reply).map_err(wrong)?;
    let call = super::calls::worded(visit, &visit.errand.authentication.call, &BTreeMap::new()).map_err(wrong)?;
    let reply = visit
        .client
        .call(call.bearing(Some(token.text())))
        .await
        .map_err(wrong)?;
    let expected = visit.errand.authentication.call.status;
    if reply.status.as_u16() == expected {
        Ok(())
    } else {
        Err(wrong(format!(
            "the person's token is answered with {} instead of {expected}",
            reply.status.as_u16()
        )))
    }
}

async fn redeem(
    visit: &Visit,
    discovery: &Discovery,
    declared: &ExpectedCodeFlow,
    id: &str,
    code: &str,
    verifier: &str,
) -> Result<Reply, String> {
    let form = vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.to_owned()),
        ("redirect_uri", declared.redirect_uri.clone()),
        ("code_verifier", verifier.to_owned()),
    ];
    visit.client.call(ask(discovery, form, id, None)).await
}

/// A code, and the verifier that it belongs to.
async fn code(
    visit: &Visit,
    discovery: &Discovery,
    declared: &ExpectedCodeFlow,
    id: &str,
    name: &str,
    password: &str,
) -> Result<(Zeroizing<String>, Zeroizing<String>), String> {
    let (verifier, state) = (secret_word()?, secret_word()?);
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    let query = form_text(&[
        ("response_type", "code".into()),
        ("client_id", id.to_owned()),
        ("redirect_uri", declared.redirect_uri.clone()),
        ("scope", declared.scope.clone()),
        ("state", state.to_string()),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256".into()),
    ]);
    let joint = if discovery.authorization_endpoint.contains('?') {
        '&'
    } else {
        '?'
    };
    let mut cookies = Cookies::default();
    let mut call = Call::get(format!("{}{joint}{query}", discovery.authorization_endpoint));
    let mut has_logged_in = false;
    for _ in 0..HOPS {
        let here = call.url.clone();
        call.patience = PATIENCE;
        let reply = visit.client.call(cookies.with(call)).await?;
        cookies.keep(&reply);
        if let Some(location) = reply.header("location").filter(|_| reply.status.is_redirection()) {
            let next = absolute(&here, location)?;
            if next.starts_with(&declared.redirect_uri) {
                return Ok((code_in(&next, &state)?, verifier));
            }
            call = Call::get(next);
            continue;
        }
        if has_logged_in {
            return Err("the issuer's login page does not take the person's name and password".into());
        }
        let page = String::from_utf8_lossy(&reply.body);
        let action = form_action(&page)
            .ok_or_else(|| format!("the issuer shows no login form but answers {}", reply.status.as_u16()))?;
        has_logged_in = true;
        call = Call::get(absolute(&here, &action)?).header("content-type", "application/x-www-form-urlencoded");
        call.method = "POST".into();
        call.body =
            Body::Bytes(form_text(&[("username", name.to_owned()), ("password", password.to_owned())]).into_bytes());
    }
    Err(format!("the issuer redirects more than {HOPS} times"))
}

/// The code in the address that the browser is sent to; the state shows that it answers this very request.
fn code_in(address: &str, state: &str) -> Result<Zeroizing<String>, String> {
    let (_, query) = address.split_once('?').unwrap_or_default();
    let parameter = |name: &str| {
        let pair = query
            .split(['&', '#'])
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        pair.map(|value| {
            percent_encoding::percent_decode_str(value)
                .decode_utf8_lossy()
                .into_owned()
        })
    };
    if let Some(error) = parameter("error") {
        return Err(format!("the issuer gives no code: {}", hostile::capped(&error, 60)));
    }
    if parameter("state").as_deref() != Some(state) {
        return Err("the issuer answers with another state".into());
    }
    parameter("code")
        .map(Zeroizing::new)
        .ok_or_else(|| "the issuer gives no code".into())
}

/// 43 letters that nobody can guess: the shortest verifier that RFC 7636 (4.1) takes.
fn secret_word() -> Result<Zeroizing<String>, String> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    // The provider of TLS has the system's random numbers at hand.
    let random = rustls::crypto::ring::default_provider().secure_random;
    random
        .fill(bytes.as_mut())
        .map_err(|_| "the system gives no random numbers")?;
    Ok(Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(bytes.as_ref())))
}

/// Where a page's first form that takes a password goes.
fn form_action(page: &str) -> Option<String> {
    page.split("<form").skip(1).find_map(|form| {
        let form = form.split("</form").next()?;
        form.contains("password").then_some(())?;
        let opening = form.split('>').next()?;
        let (_, after) = opening.split_once("action=")?;
        let quote = after.chars().next().filter(|letter| ['"', '\''].contains(letter))?;
        let action = after[1..].split(quote).next()?;
        Some(action.replace("&amp;", "&"))
    })
}

/// An address in a page or a redirect, seen from where it stood.
fn absolute(here: &str, address: &str) -> Result<String, String> {
    if address.starts_with("http://") || address.starts_with("https://") {
        return Ok(address.to_owned());
    }
    let scheme = here.split("://").next().unwrap_or_default();
    let authority = here
        .split("://")
        .nth(1)
        .and_then(|rest| rest.split(['/', '?']).next())
        .unwrap_or_default();
    Target::of(here)?;
    if let Some(rest) = address.strip_prefix("//") {
        return Ok(format!("{scheme}://{rest}"));
    }
    if address.starts_with('/') {
        return Ok(format!("{scheme}://{authority}{address}"));
    }
    let folder = here
        .split(['?', '#'])
        .next()
        .and_then(|path| path.rsplit_once('/'))
        .map_or(here, |(folder, _)| folder);
    Ok(format!("{folder}/{address}"))
}

/// What the issuer asks the browser to remember: of this one issuer alone, so paths and ages do not matter.
#[derive(Default)]
struct Cookies(BTreeMap<String, String>);

impl Cookies {
    fn keep(&mut self, reply: &Reply) {
        for cookie in reply.headers.get_all("set-cookie") {
            let pair = cookie
                .to_str()
                .unwrap_or_default()
                .split(';')
                .next()
                .unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.0.insert(name.trim().into(), value.trim().into());
            }
        }
    }

    fn with(&self, call: Call) -> Call {
        if self.0.is_empty() {
            return call;
        }
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        call.header("cookie", pairs.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_form_is_found_among_others() {
        let page = r#"<form action="/search"><input name=q></form>
            <form id="kc-form-login" onsubmit="x" action="https://login.test/auth?a=1&amp;b=2" method="post"><input type="password" name="password"></form>"#;
        assert_eq!(form_action(page).as_deref(), Some("https://login.test/auth?a=1&b=2"));
        assert_eq!(form_action("<form action=/x><input type=password></form>"), None);
        assert_eq!(form_action(""), None);
    }

    #[test]
    fn only_the_code_of_this_very_request_is_taken() {
        assert_eq!(
            code_in("https://a/cb?state=s&code=c%2Fd&iss=x", "s").unwrap().as_str(),
            "c/d"
        );
        for (address, why) in [
            (
                "https://a/cb?state=other&code=c",
                "the issuer answers with another state",
            ),
            (
                "https://a/cb?error=access_denied&state=s",
                "the issuer gives no code: access_denied",
            ),
            ("https://a/cb?state=s", "the issuer gives no code"),
        ] {
            assert_eq!(code_in(address, "s").unwrap_err(), why);
        }
    }

    #[test]
    fn addresses_are_seen_from_where_they_stood() {
        for (address, whole) in [
            ("/b?c", "https://a.test:1/b?c"),
            ("https://x/y", "https://x/y"),
            ("//x/y", "https://x/y"),
            ("b", "https://a.test:1/p/b"),
        ] {
            assert_eq!(absolute("https://a.test:1/p/q?r=1", address).unwrap(), whole);
        }
    }

    #[test]
    fn words_are_never_the_same() {
        assert_ne!(secret_word().unwrap(), secret_word().unwrap());
        assert_eq!(secret_word().unwrap().len(), 43);
    }
}
