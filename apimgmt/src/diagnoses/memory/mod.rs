//! Memory: kills, limits, leaks.
