use http::StatusCode;
use jiff::Timestamp;

use super::{judged, trace_id};

const TRACE: &str = "a91000000000000018eab4df1085743c";

/// Answers of every backend that know the trace: Zipkin 3.5.1's as it was recorded, the others as their APIs have the same span.
/// <https://www.jaegertracing.io/docs/latest/apis/>, <https://grafana.com/docs/tempo/latest/api_docs/#query>
const KNOW_IT: [(&str, &str); 4] = [
    ("zipkin", include_str!("answers/zipkin.json")),
    ("jaeger", include_str!("answers/jaeger.json")),
    ("tempo", include_str!("answers/tempo.json")),
    ("tempo", include_str!("answers/tempo-v2.json")),
];

#[test]
fn a_trace_is_known_by_its_own_id_alone() {
    for (kind, answer) in KNOW_IT {
        assert_eq!(judged(kind, StatusCode::OK, answer, TRACE), Ok(true), "{kind}");
        let other = TRACE.replace("743c", "743d");
        assert_eq!(judged(kind, StatusCode::OK, answer, &other), Ok(false), "{kind}");
    }
}

#[test]
fn an_answer_of_another_backend_knows_nothing() {
    for (kind, _) in KNOW_IT {
        for (other, answer) in KNOW_IT {
            if kind != other {
                assert_eq!(judged(kind, StatusCode::OK, answer, TRACE), Ok(false), "{kind} {other}");
            }
        }
    }
}

#[test]
fn nothing_found_is_not_there_yet_and_any_other_answer_is_told() {
    let absent = include_str!("answers/jaeger-not-found.json");
    for (kind, _) in KNOW_IT {
        assert_eq!(judged(kind, StatusCode::NOT_FOUND, absent, TRACE), Ok(false), "{kind}");
        // Some answer 200 to what they do not know.
        for empty in [absent, "[]", "{}", r#"{"batches":[]}"#, "null"] {
            assert_eq!(judged(kind, StatusCode::OK, empty, TRACE), Ok(false), "{kind} {empty}");
        }
        let refused = judged(kind, StatusCode::UNAUTHORIZED, "no org id\u{1b}[2J", TRACE).unwrap_err();
        assert!(
            refused.contains("401: no org id") && !refused.contains('\u{1b}'),
            "{refused}"
        );
        let page = judged(kind, StatusCode::OK, "<!doctype html>", TRACE).unwrap_err();
        assert!(page.starts_with(&format!("the answer is not {kind}'s")), "{page}");
    }
}

#[test]
fn an_id_has_32_digits_and_no_zero_before_them() {
    let id = trace_id("2026-11-23T08:00:00.123456789Z".parse::<Timestamp>().unwrap());
    assert_eq!(id.len(), 32);
    assert!(id.starts_with("a91") && id.bytes().all(|digit| digit.is_ascii_hexdigit()));
    assert_ne!(id, trace_id(Timestamp::now()));
}
