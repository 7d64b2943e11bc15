//! Standard Webhooks: signatures.

use bellwether_alert::receivers::signature;

/// The vector of the specification's reference libraries: github.com/standard-webhooks/standard-webhooks,
/// `libraries/javascript/src/webhook.test.ts`, "sign function works" (the Python, Go and Rust libraries have the same).
#[test]
fn the_official_vector_is_met() {
    let body = br#"{"test": 2432232314}"#;
    let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    for secret in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
        let signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed.as_deref(), Ok(expected));
    }
}

#[test]
fn secrets_that_are_none_are_refused_unshown() {
    for bad in ["whsec_", "whsec_hunter2!", "whsec_c2hvcnQ=", ""] {
        let error = signature(bad, "id", 0, b"").unwrap_err();
        assert!(bad.is_empty() || !error.contains(bad), "{error}");
    }
}
