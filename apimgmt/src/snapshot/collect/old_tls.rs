//! Whether a host still speaks TLS 1.0 or 1.1, which no safe library does: one hand-written ClientHello for each, and
//! the first record of the answer.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::tunnel::connect_error;

const OLD: [(&str, u8); 2] = [("TLSv1.0", 1), ("TLSv1.1", 2)];

/// Suites of those days: ECDHE and RSA with AES-CBC, and 3DES.
const SUITES: [u16; 9] = [0xc013, 0xc014, 0xc009, 0xc00a, 0x002f, 0x0035, 0x0033, 0x0039, 0x000a];

/// The old versions that the host at `address` accepts for `host`.
pub(super) async fn accepted(address: &str, host: &str) -> Result<Vec<String>, String> {
    let mut accepted = Vec::new();
    for (name, minor) in OLD {
        if speaks(address, host, minor).await? {
            accepted.push(name.to_owned());
        }
    }
    Ok(accepted)
}

/// Says hello with version 3.`minor` alone: a ServerHello of that version accepts it; an alert, or hanging up, refuses.
async fn speaks(address: &str, host: &str, minor: u8) -> Result<bool, String> {
    let mut socket = TcpStream::connect(address)
        .await
        .map_err(|error| connect_error(&error))?;
    socket
        .write_all(&client_hello(host, minor))
        .await
        .map_err(|error| connect_error(&error))?;
    // Record type, version, length; then handshake type, length, version.
    let mut answer = [0; 11];
    match socket.read_exact(&mut answer).await {
        Ok(_) => Ok(answer[0] == 22 && answer[5] == 2 && answer[9] == 3 && answer[10] == minor),
        Err(_) => Ok(false),
    }
}

fn client_hello(host: &str, minor: u8) -> Vec<u8> {
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
    ];
    // The random is no secret here: the handshake ends with the first answer.
    let body = [
        vec![3, minor],
        vec![0x5a; 32],
        vec![0],
        with_length(SUITES.iter().flat_map(|suite| suite.to_be_bytes()).collect()),
        vec![1, 0],
        with_length(extensions.concat()),
    ]
    .concat();
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let handshake = [vec![1], length[1..].to_vec(), body].concat();
    [vec![22, 3, 1], with_length(handshake)].concat()
}
