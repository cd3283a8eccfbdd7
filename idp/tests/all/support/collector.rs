//! A collector of traces: a small HTTP server that takes OTLP and keeps it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long it may take until something is there.
const PATIENCE: Duration = Duration::from_secs(30);

/// A collector that keeps what it is given, and answers with this status.
pub(crate) struct Collector {
    pub(crate) url: String,
    posts: Arc<Mutex<Vec<Post>>>,
    count: watch::Receiver<usize>,
    pub(crate) status: Arc<Mutex<&'static str>>,
    /// What it says beside.
    pub(crate) answer: Arc<Mutex<Vec<u8>>>,
    serving: JoinHandle<()>,
}

#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Collector {
    pub(crate) async fn start(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (posts, (tell, count)) = (Arc::<Mutex<Vec<Post>>>::default(), watch::channel(0));
        let status = Arc::new(Mutex::new(status));
        let answer = Arc::<Mutex<Vec<u8>>>::default();
        let (kept, answered, said) = (Arc::clone(&posts), Arc::clone(&status), Arc::clone(&answer));
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let status = *answered.lock().unwrap();
                let answer = said.lock().unwrap().clone();
                if let Some(post) = read(stream, status, &answer).await {
                    kept.lock().unwrap().push(post);
                    tell.send_modify(|count| *count += 1);
                }
            }
        });
        Self { url, posts, count, status, answer, serving }
    }

    /// What is kept once it satisfies this.
    pub(crate) async fn until(&self, enough: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let mut count = self.count.clone();
        let waiting = async {
            loop {
                let spans = self.spans();
                if enough(&spans) {
                    return spans;
                }
                count.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("only {:?}", self.spans()))
    }

    pub(crate) fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap().clone()
    }

    pub(crate) fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        let decode = |post: &Post| ExportTraceServiceRequest::decode(post.body.as_slice()).unwrap();
        self.posts().iter().map(decode).collect()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let of_resources = self.requests().into_iter().flat_map(|request| request.resource_spans);
        of_resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }
}

async fn read(mut stream: TcpStream, status: &str, answer: &[u8]) -> Option<Post> {
    let mut bytes = Vec::new();
    let (head, begin, length) = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let length: usize = length.parse().unwrap();
            break (head, end + 4, length);
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    while bytes.len() < begin + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let length = answer.len();
    let reply = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(&[reply.as_bytes(), answer].concat()).await.ok()?;
    Some(Post { head, body: bytes[begin..].to_vec() })
}
