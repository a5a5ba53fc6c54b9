//! Whether a host still speaks what no safe library does: TLS 1.0 and 1.1, and weak suites of TLS 1.2. One hand-written
//! `ClientHello` for each question, and the first record of the answer.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::tunnel::connect_error;

/// The longest record that is read: what matters stands in its first bytes.
const LONGEST: usize = 512;

const OLD: [(&str, u8); 2] = [("TLSv1.0", 1), ("TLSv1.1", 2)];

/// Suites of those days: ECDHE and RSA with AES-CBC, and 3DES.
const SUITES: [u16; 9] = [0xc013, 0xc014, 0xc009, 0xc00a, 0x002f, 0x0035, 0x0033, 0x0039, 0x000a];

/// Suites of TLS 1.2 without forward secrecy, without authenticated encryption, or without encryption or authentication at
/// all, by their registered numbers (IANA, TLS Cipher Suites).
const WEAK: [(u16, &str); 27] = [
    (0xc013, "ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    (0xc014, "ECDHE_RSA_WITH_AES_256_CBC_SHA"),
    (0xc027, "ECDHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0xc028, "ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    (0xc009, "ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (0xc00a, "ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
    (0xc023, "ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
    (0xc024, "ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
    (0x0033, "DHE_RSA_WITH_AES_128_CBC_SHA"),
    (0x0039, "DHE_RSA_WITH_AES_256_CBC_SHA"),
    (0x002f, "RSA_WITH_AES_128_CBC_SHA"),
    (0x0035, "RSA_WITH_AES_256_CBC_SHA"),
    (0x003c, "RSA_WITH_AES_128_CBC_SHA256"),
    (0x003d, "RSA_WITH_AES_256_CBC_SHA256"),
    (0x009c, "RSA_WITH_AES_128_GCM_SHA256"),
    (0x009d, "RSA_WITH_AES_256_GCM_SHA384"),
    (0xc012, "ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0xc008, "ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA"),
    (0x000a, "RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x0009, "RSA_WITH_DES_CBC_SHA"),
    (0xc011, "ECDHE_RSA_WITH_RC4_128_SHA"),
    (0xc007, "ECDHE_ECDSA_WITH_RC4_128_SHA"),
    (0x0005, "RSA_WITH_RC4_128_SHA"),
    (0x0034, "DH_anon_WITH_AES_128_CBC_SHA"),
    (0xc018, "ECDH_anon_WITH_AES_128_CBC_SHA"),
    (0x003b, "RSA_WITH_NULL_SHA256"),
    (0x0002, "RSA_WITH_NULL_SHA"),
];

/// How many accepted weak suites are named: each takes a connection, and one is bad enough.
const NAMED: usize = 3;

/// The old versions that the host at `address` accepts for `host`.
pub(super) async fn versions(address: &str, host: &str) -> Result<Vec<String>, String> {
    let mut accepted = Vec::new();
    for (name, minor) in OLD {
        if chosen(address, host, minor, &SUITES).await?.is_some() {
            accepted.push(name.to_owned());
        }
    }
    Ok(accepted)
}

/// The weak suites that it accepts with TLS 1.2, at most a few of them.
pub(super) async fn weak_suites(address: &str, host: &str) -> Result<Vec<String>, String> {
    let mut offered = WEAK.to_vec();
    let mut accepted = Vec::new();
    while accepted.len() < NAMED {
        let numbers: Vec<u16> = offered.iter().map(|(number, _)| *number).collect();
        let Some(suite) = chosen(address, host, 3, &numbers).await? else {
            break;
        };
        let Some(index) = offered.iter().position(|(number, _)| *number == suite) else {
            break;
        };
        accepted.push(format!("TLS_{}", offered.remove(index).1));
    }
    Ok(accepted)
}

/// Says hello with version 3.`minor` and these suites alone: a `ServerHello` of that version names the one it accepts; an
/// alert, or hanging up, refuses.
async fn chosen(address: &str, host: &str, minor: u8, suites: &[u16]) -> Result<Option<u16>, String> {
    let mut socket = TcpStream::connect(address)
        .await
        .map_err(|error| connect_error(&error))?;
    socket
        .write_all(&client_hello(host, minor, suites))
        .await
        .map_err(|error| connect_error(&error))?;
    // Record type, version, length; an alert is 7 bytes in all, and a ServerHello more than this.
    let mut answer = vec![0; 5];
    if socket.read_exact(&mut answer).await.is_err() {
        return Ok(None);
    }
    let length = usize::from(u16::from_be_bytes([answer[3], answer[4]])).min(LONGEST);
    answer.resize(5 + length, 0);
    match socket.read_exact(&mut answer[5..]).await {
        Ok(_) => Ok(suite_of(&answer, minor)),
        Err(_) => Ok(None),
    }
}

/// The suite in a `ServerHello` of version 3.`minor`: record header (5), handshake header (4), version (2), random (32),
/// session id with its length, suite (2).
fn suite_of(answer: &[u8], minor: u8) -> Option<u16> {
    let session = usize::from(*answer.get(43)?);
    let accepted = answer[0] == 22 && answer[5] == 2 && answer[9] == 3 && answer[10] == minor;
    let suite = answer.get(44 + session..46 + session)?;
    accepted.then(|| u16::from_be_bytes([suite[0], suite[1]]))
}

fn client_hello(host: &str, minor: u8, suites: &[u16]) -> Vec<u8> {
    let with_length = |bytes: Vec<u8>| {
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        [length.to_be_bytes().to_vec(), bytes].concat()
    };
    let extension = |kind: u16, body: Vec<u8>| [kind.to_be_bytes().to_vec(), with_length(body)].concat();
    let name = [vec![0], with_length(host.as_bytes().to_vec())].concat();
    let extensions = [
        extension(0x0000, with_length(name)),
        extension(0x000a, with_length(vec![0, 23, 0, 24, 0, 25])), // P-256, P-384, P-521
        extension(0x000b, vec![1, 0]),                             // uncompressed points
        // Signatures: ECDSA and RSA with SHA-256 and SHA-384, RSA-PSS, and the SHA-1 of old servers.
        extension(
            0x000d,
            with_length(vec![4, 3, 5, 3, 4, 1, 5, 1, 8, 4, 8, 5, 2, 1, 2, 3]),
        ),
    ];
    // The random is no secret here: the handshake ends with the first answer.
    let body = [
        vec![3, minor],
        vec![0x5a; 32],
        vec![0],
        with_length(suites.iter().flat_map(|suite| suite.to_be_bytes()).collect()),
        vec![1, 0],
        with_length(extensions.concat()),
    ]
    .concat();
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let handshake = [vec![1], length[1..].to_vec(), body].concat();
    [vec![22, 3, 1], with_length(handshake)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_suite_is_read_behind_a_session_id_of_any_length() {
        let hello = |session: &[u8]| {
            let length = [u8::try_from(session.len()).unwrap()];
            [
                &[22, 3, 3, 0, 80, 2, 0, 0, 76, 3, 3][..],
                &[7; 32],
                &length,
                session,
                &[0xc0, 0x13, 0],
            ]
            .concat()
        };
        assert_eq!(suite_of(&hello(&[]), 3), Some(0xc013));
        assert_eq!(suite_of(&hello(&[9; 32]), 3), Some(0xc013));
        assert_eq!(suite_of(&hello(&[]), 2), None, "another version than was asked for");
        assert_eq!(suite_of(&hello(&[9; 32])[..60], 3), None, "cut short");
        assert_eq!(suite_of(&[21, 3, 3, 0, 2, 2, 40], 3), None, "an alert");
    }
}
