//! Stopping: what runs finishes, what rests is closed, nothing new begins.

use std::sync::Arc;
use std::time::Duration;

use poem::endpoint::make;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::support::{Running, loopback, soon};

/// An endpoint that tells when a request has begun, and ends it when it is told to.
#[derive(Clone)]
struct Gate {
    begun: Arc<Semaphore>,
    leave: Arc<Semaphore>,
}

impl Gate {
    fn new() -> Self {
        Self { begun: Arc::new(Semaphore::new(0)), leave: Arc::new(Semaphore::new(0)) }
    }

    fn serve(&self, grace: Duration) -> Running {
        let gate = self.clone();
        let endpoint = make(move |_| {
            let gate = gate.clone();
            async move {
                gate.begun.add_permits(1);
                gate.leave.acquire().await.unwrap().forget();
                "finished"
            }
        });
        Running::start_with_grace(&loopback(), endpoint, grace)
    }
}

#[tokio::test]
async fn a_running_request_finishes_and_its_connection_is_closed_then() {
    let gate = Gate::new();
    let mut server = gate.serve(Duration::from_mins(1));
    let mut client = server.connect().await;
    client.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    soon(gate.begun.acquire()).await.unwrap().forget();
    server.stop();
    soon(async { while TcpStream::connect(server.address()).await.is_ok() {} }).await;
    gate.leave.add_permits(1);
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.body.as_str()), (200, "finished"));
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(client.closed().await, "");
    server.stopped().await;
}

#[tokio::test]
async fn a_request_that_does_not_finish_in_time_is_cut_off() {
    let gate = Gate::new();
    let mut server = gate.serve(Duration::from_millis(200));
    let mut client = server.connect().await;
    client.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    soon(gate.begun.acquire()).await.unwrap().forget();
    server.stop();
    server.stopped().await;
    assert_eq!(client.closed().await, "");
}

#[tokio::test]
async fn resting_connections_do_not_hold_the_server_up() {
    let gate = Gate::new();
    gate.leave.add_permits(1);
    let mut server = gate.serve(Duration::from_mins(1));
    let mut silent = server.connect().await;
    let mut used = server.connect().await;
    assert_eq!(used.get("/").await.status(), 200);
    server.stop();
    assert_eq!(silent.closed().await, "");
    assert_eq!(used.closed().await, "");
    server.stopped().await;
}
