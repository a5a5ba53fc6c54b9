//! Services, endpoints, policies.
