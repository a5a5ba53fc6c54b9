//! What people stated of a judged row: an attestation stands for what no machine can see, a waiver sets aside what does
//! not hold. Neither turns anything green: an attested row stays manual, a waived one is counted apart.

use jiff::Timestamp;

use super::{Evidence, Item, Verdict};
use crate::{
    snapshot::{
        Snapshot,
        sessions::{Statement, StatementKind},
    },
    values::Waiver,
};

/// What stands beside a verdict.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Standing {
    /// Who attested a manual row.
    pub(super) attestation: Option<Statement>,
    /// Who set the row aside.
    pub(super) waiver: Option<Waiver>,
}

/// The verdict after what people stated, and what of it stands. Statements that cannot be read stand for nothing.
pub(super) fn stated(item: &Item, verdict: Verdict, snapshot: &Snapshot) -> (Verdict, Standing) {
    let stored = snapshot.statements().map(Vec::as_slice).unwrap_or_default();
    let (verdict, attestation) = attested(item, verdict, stored, snapshot.taken_at);
    if attestation.is_some() || matches!(verdict, Verdict::Pass { .. } | Verdict::Skipped { .. }) {
        let standing = Standing {
            attestation,
            waiver: None,
        };
        return (verdict, standing);
    }
    let declared = snapshot
        .expectations()
        .map(|expectations| expectations.waivers.as_slice());
    let stored = Statement::standing(stored, StatementKind::Waiver, item.id).map(|statement| Waiver {
        item: statement.item.clone(),
        reason: statement.text.clone(),
        owner: statement.by.clone(),
        until: statement.until,
    });
    let waivers: Vec<Waiver> = declared
        .unwrap_or_default()
        .iter()
        .filter(|waiver| waiver.item == item.id)
        .cloned()
        .chain(stored)
        .collect();
    let (verdict, waiver) = waived(verdict, waivers, snapshot.taken_at);
    let standing = Standing {
        attestation: None,
        waiver,
    };
    (verdict, standing)
}

/// An attestation counts on a manual row alone: what a machine sees, nobody ticks by hand. One past its expiry fails.
fn attested(item: &Item, verdict: Verdict, stored: &[Statement], now: Timestamp) -> (Verdict, Option<Statement>) {
    if !matches!(verdict, Verdict::Manual { .. }) {
        return (verdict, None);
    }
    let Some(statement) = Statement::standing(stored, StatementKind::Attestation, item.id) else {
        return (verdict, None);
    };
    match statement.until {
        Some(until) if until > now && !statement.by.is_empty() && !statement.text.is_empty() => {
            (verdict, Some(statement.clone()))
        }
        Some(until) if until <= now => {
            let detail = format!("the attestation of {} expired at {until}", statement.by);
            (Verdict::fail(detail, []), None)
        }
        _ => (
            Verdict::fail("the attestation lacks its author, its evidence or its expiry", []),
            None,
        ),
    }
}

/// A waiver sets a row aside that does not hold; when none is valid, one that is expired or incomplete is itself a failure.
fn waived(verdict: Verdict, waivers: Vec<Waiver>, now: Timestamp) -> (Verdict, Option<Waiver>) {
    let is_complete = |waiver: &Waiver| !waiver.owner.is_empty() && !waiver.reason.is_empty() && waiver.until.is_some();
    let is_valid = |waiver: &Waiver| is_complete(waiver) && waiver.until.is_some_and(|until| until > now);
    let Some(first) = waivers.first() else {
        return (verdict, None);
    };
    if let Some(valid) = waivers.iter().find(|waiver| is_valid(waiver)) {
        return (verdict, Some(valid.clone()));
    }
    let trouble = match first.until {
        Some(until) if is_complete(first) => format!("the waiver of {} expired at {until}", first.owner),
        _ => "the waiver lacks a reason, an owner or an expiry".to_owned(),
    };
    let (detail, evidence) = told(verdict);
    (Verdict::fail(format!("{trouble}; {detail}"), evidence), None)
}

fn told(verdict: Verdict) -> (String, Vec<Evidence>) {
    match verdict {
        Verdict::Fail { detail, evidence, .. } | Verdict::Unknown { detail, evidence, .. } => (detail, evidence),
        Verdict::Pass { detail, .. } | Verdict::Manual { detail } => (detail, Vec::new()),
        Verdict::Skipped { reason } => (reason, Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Phase, Row, Severity, Stage, Status, Summary, run::judge_one};
    use super::*;
    use crate::snapshot::Unreadable;

    const fn item(judge: fn(&Snapshot) -> Result<Verdict, Unreadable>) -> Item {
        Item {
            id: "security/firewall",
            title: "",
            stage: Stage::Pre,
            phase: Phase::Infrastructure,
            severity: Severity::Blocking,
            why: "",
            fix: "",
            reads: &[],
            judge,
        }
    }

    static MANUAL: Item = item(|_| {
        Ok(Verdict::Manual {
            detail: "look at the cloud's firewall".into(),
        })
    });
    static FAILED: Item = item(|_| Ok(Verdict::fail("a path is open", [])));
    static UNKNOWN: Item = item(|_| Ok(Verdict::unknown("not seen")));
    static PASSED: Item = item(|snapshot| {
        let evidence = Evidence::stable(snapshot, crate::snapshot::Source::Pods, "pod/a", "b", "c");
        Ok(Verdict::pass("holds", super::super::Proof::of(evidence)))
    });

    fn judged(item: &'static Item, facts: &str) -> Row {
        let text = format!("takenAt: 2026-11-23T08:00:00Z\nfacts:\n{facts}");
        judge_one(item, &Snapshot::from_recording(&text).unwrap())
    }

    fn statement(kind: &str, until: &str) -> String {
        format!(
            "  statements: [{{object: configmap/s, kind: {kind}, item: security/firewall, by: ann, at: 2026-11-01T00:00:00Z, until: '{until}', text: seen}}]\n"
        )
    }

    const AHEAD: &str = "2026-12-01T00:00:00Z";
    const PAST: &str = "2026-11-22T00:00:00Z";

    #[test]
    fn an_attested_row_stays_manual_and_an_expired_attestation_fails() {
        let row = judged(&MANUAL, &statement("attestation", AHEAD));
        assert_eq!(row.word(), "manual");
        assert_eq!(row.attestation.as_ref().unwrap().by, "ann");
        let row = judged(&MANUAL, &statement("attestation", PAST));
        assert_eq!((row.word(), row.attestation.is_none()), ("fail", true));
        assert_eq!(row.detail(), "the attestation of ann expired at 2026-11-22T00:00:00Z");
        let row = judged(
            &MANUAL,
            "  statements: [{kind: attestation, item: security/firewall, at: 2026-11-01T00:00:00Z}]\n",
        );
        assert!(
            row.word() == "fail" && row.detail().contains("lacks"),
            "{}",
            row.detail()
        );
        assert!(judged(&MANUAL, "  statements: []\n").attestation.is_none());
    }

    #[test]
    fn what_is_measured_cannot_be_attested() {
        for item in [&FAILED, &UNKNOWN, &PASSED] {
            let (attested, plain) = (
                judged(item, &statement("attestation", AHEAD)),
                judged(item, "  statements: []\n"),
            );
            assert_eq!((attested.word(), attested.detail()), (plain.word(), plain.detail()));
            assert_eq!(attested.attestation, None);
        }
    }

    #[test]
    fn a_waiver_sets_aside_what_does_not_hold_and_an_expired_one_fails() {
        for item in [&FAILED, &UNKNOWN, &MANUAL] {
            let row = judged(item, &statement("waiver", AHEAD));
            assert_eq!(row.word(), "waived");
            assert_eq!(row.waiver.as_ref().map(|waiver| waiver.reason.as_str()), Some("seen"));
            let row = judged(item, &statement("waiver", PAST));
            assert_eq!(row.word(), "fail");
            assert!(
                row.detail().starts_with("the waiver of ann expired at 2026-11-22"),
                "{}",
                row.detail()
            );
        }
        assert!(
            judged(&FAILED, &statement("waiver", PAST))
                .detail()
                .contains("a path is open")
        );
        assert_eq!(judged(&PASSED, &statement("waiver", PAST)).word(), "pass");
    }

    #[test]
    fn of_a_declared_and_a_stored_waiver_the_valid_one_stands() {
        let declared = |until: &str| {
            format!(
                "  expectations: {{waivers: [{{item: security/firewall, reason: declared, owner: bob, until: '{until}'}}]}}\n"
            )
        };
        let reason = |facts: &str| judged(&FAILED, facts).waiver.map(|waiver| waiver.reason);
        assert_eq!(
            reason(&(declared(PAST) + &statement("waiver", AHEAD))).as_deref(),
            Some("seen")
        );
        assert_eq!(
            reason(&(declared(AHEAD) + &statement("waiver", PAST))).as_deref(),
            Some("declared")
        );
        assert_eq!(
            reason(&declared("2026-11-23")).as_deref(),
            Some("declared"),
            "to the end of its last day"
        );
        assert_eq!(reason(&declared("2026-11-22")), None);
    }

    #[test]
    fn everything_attested_awaits_sign_off_and_anything_less_cannot_be_told() {
        let status = |facts: &str| Summary::of_rows([&judged(&MANUAL, facts)]).status();
        assert_eq!(status("  statements: []\n"), Status::CannotTell);
        assert_eq!(status(&statement("attestation", AHEAD)), Status::AwaitingSignOff);
        assert_eq!(status(&statement("attestation", PAST)), Status::NotReady);
    }
}
