//! Collects facts from a cluster, judges them purely and shows the verdicts.
