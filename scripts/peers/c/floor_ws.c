// A WebSocket echo server on epoll and nothing else: the floor that servers with more
// to offer are measured above. One thread; a connection that is idle between messages
// has no memory of its own but a pointer in a table, whatever it sent before.
//
//   cc -O2 -o start floor_ws.c
//   start --listen HOST:PORT
//
// It speaks RFC 6455 without extensions on /echo: messages up to 128 KiB, joined and
// sent back in one frame, text checked for UTF-8; pings and closing handshakes are
// answered. It has no timeouts, no origins, no TLS and no statistics.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  BATCH = 512,             // events of one epoll_wait
  BUFFER = 256 << 10,      // what is read at once, for all connections together
  MAX_REQUEST = 8 << 10,   // of an opening handshake
  MAX_MESSAGE = 128 << 10, // joined
  MAX_OUTBOX = 256 << 10,  // what may wait for a peer that does not read
};

enum { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

// bytes grows and is freed when it is empty.
typedef struct {
  uint8_t *at;
  size_t len, cap;
} bytes;

// conn is what a connection holds while something is unfinished.
typedef struct {
  bytes in;   // a request or a frame that is not whole
  bytes text; // fragments so far
  bytes out;  // what the peer has not taken
  uint8_t op; // of the fragments, 0 for none
  bool last;  // nothing more is read; it ends when out is empty
} conn;

// What is known of a descriptor: none, a handshake, a conn, or an idle peer.
static conn **table;
static conn idle; // stands for every upgraded connection that holds nothing
static size_t size;
static int epoll;
static uint8_t buffer[BUFFER];

static void die(const char *what) {
  fprintf(stderr, "c-floor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void append(bytes *b, const void *p, size_t n) {
  if (b->len + n > b->cap) {
    b->cap = b->len + n;
    if (!(b->at = realloc(b->at, b->cap))) die("memory");
  }
  memcpy(b->at + b->len, p, n);
  b->len += n;
}

static void clear(bytes *b) {
  free(b->at);
  *b = (bytes){0};
}

// drop removes the first n bytes.
static void drop(bytes *b, size_t n) {
  if (n == b->len) return clear(b);
  memmove(b->at, b->at + n, b->len - n);
  b->len -= n;
}

static void end(int fd) {
  conn *c = table[fd];
  if (c && c != &idle) {
    clear(&c->in), clear(&c->text), clear(&c->out);
    free(c);
  }
  table[fd] = NULL;
  close(fd);
}

// own gives a connection memory of its own.
static conn *own(int fd) {
  if (table[fd] != &idle) return table[fd];
  if (!(table[fd] = calloc(1, sizeof(conn)))) die("memory");
  return table[fd];
}

// rest takes it away again if nothing is unfinished.
static void rest(int fd) {
  conn *c = table[fd];
  if (c && c != &idle && !c->in.len && !c->text.len && !c->out.len && !c->op && !c->last) {
    free(c);
    table[fd] = &idle;
  }
}

static void watch(int fd, uint32_t events) {
  struct epoll_event e = {.events = events, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &e)) die("epoll_ctl");
}

// put sends n bytes or keeps what the peer does not take now; false ended the connection.
static bool put(int fd, const void *p, size_t n) {
  conn *c = table[fd];
  ssize_t sent = 0;
  if (c == &idle || !c->out.len) {
    do sent = send(fd, p, n, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN) return end(fd), false;
    if (sent < 0) sent = 0;
  }
  if ((size_t)sent == n) return true;
  c = own(fd);
  if (c->out.len >= MAX_OUTBOX) return end(fd), false;
  append(&c->out, (const uint8_t *)p + sent, n - sent);
  watch(fd, EPOLLIN | EPOLLOUT);
  return true;
}

// frame sends an unmasked frame (RFC 6455 section 5.2).
static bool frame(int fd, uint8_t op, const uint8_t *p, size_t n) {
  static uint8_t out[10 + MAX_MESSAGE];
  size_t h = 2;
  out[0] = 0x80 | op;
  if (n < 126) {
    out[1] = n;
  } else if (n <= UINT16_MAX) {
    out[1] = 126, out[2] = n >> 8, out[3] = n;
    h = 4;
  } else {
    out[1] = 127;
    for (int i = 0; i < 8; i++) out[2 + i] = (uint64_t)n >> (56 - 8 * i);
    h = 10;
  }
  memcpy(out + h, p, n);
  return put(fd, out, h + n);
}

// finish says goodbye and reads no more; false ended the connection.
static bool finish(int fd, uint16_t code) {
  uint8_t p[2] = {code >> 8, code};
  if (!frame(fd, CLOSE, p, code ? 2 : 0)) return false;
  conn *c = own(fd);
  c->last = true;
  if (c->out.len) return true;
  shutdown(fd, SHUT_WR);
  return true;
}

// utf8 checks a whole text (RFC 3629 section 4).
static bool utf8(const uint8_t *p, size_t n) {
  for (size_t i = 0; i < n;) {
    uint8_t b = p[i];
    if (b < 0x80) {
      i++;
      continue;
    }
    size_t more = b >= 0xf0 ? 3 : b >= 0xe0 ? 2 : 1;
    if (b < 0xc2 || b > 0xf4 || i + more >= n) return false;
    uint8_t low = 0x80, high = 0xbf; // of the second byte
    if (b == 0xe0) low = 0xa0;
    if (b == 0xed) high = 0x9f;
    if (b == 0xf0) low = 0x90;
    if (b == 0xf4) high = 0x8f;
    if (p[i + 1] < low || p[i + 1] > high) return false;
    for (size_t k = 2; k <= more; k++)
      if (p[i + k] < 0x80 || p[i + k] > 0xbf) return false;
    i += more + 1;
  }
  return true;
}

// A code that a peer may send (RFC 6455 section 7.4).
static bool sendable(uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static bool control(int fd, uint8_t op, const uint8_t *p, size_t n) {
  if (op == PING) return frame(fd, PONG, p, n);
  if (op == PONG) return true;
  if (n == 0) return finish(fd, 0);
  uint16_t code = n > 1 ? p[0] << 8 | p[1] : 0;
  if (n == 1 || !sendable(code)) return finish(fd, 1002);
  return finish(fd, utf8(p + 2, n - 2) ? code : 1007);
}

static bool message(int fd, uint8_t op, const uint8_t *p, size_t n) {
  if (op == TEXT && !utf8(p, n)) return finish(fd, 1007);
  return frame(fd, op, p, n);
}

// data takes a frame of a message; false ended the connection.
static bool data(int fd, bool fin, uint8_t op, const uint8_t *p, size_t n) {
  conn *c = table[fd];
  if ((op == CONTINUATION) != (c->op != 0)) return finish(fd, 1002);
  if (fin && op) return message(fd, op, p, n);
  c = own(fd);
  if (op) c->op = op;
  append(&c->text, p, n);
  if (!fin) return true;
  bytes whole = c->text;
  op = c->op;
  c->text = (bytes){0}, c->op = 0;
  bool open = message(fd, op, whole.at, whole.len);
  clear(&whole);
  return open;
}

// frames takes whole frames from the start of p, unmasks them in place, and returns how
// many bytes they had; -1 ended the connection.
static ssize_t frames(int fd, uint8_t *p, size_t n) {
  size_t taken = 0;
  while (!table[fd]->last) {
    uint8_t *f = p + taken;
    size_t have = n - taken, h = 2;
    if (have < 2) break;
    bool fin = f[0] & 0x80;
    uint8_t op = f[0] & 0x0f;
    uint64_t len = f[1] & 0x7f;
    bool known = op <= BINARY || (op >= CLOSE && op <= PONG);
    if (f[0] & 0x70 || !known || !(f[1] & 0x80) || (op >= CLOSE && (!fin || len > 125))) return finish(fd, 1002) ? (ssize_t)n : -1;
    if (len == 126) {
      if (have < 4) break;
      len = f[2] << 8 | f[3];
      h = 4;
      if (len < 126) return finish(fd, 1002) ? (ssize_t)n : -1;
    } else if (len == 127) {
      if (have < 10) break;
      len = 0;
      for (int i = 2; i < 10; i++) len = len << 8 | f[i];
      h = 10;
      if (len <= UINT16_MAX) return finish(fd, 1002) ? (ssize_t)n : -1;
    }
    if (len + (op < CLOSE ? table[fd]->text.len : 0) > MAX_MESSAGE) return finish(fd, 1009) ? (ssize_t)n : -1;
    if (have < h + 4 + len) break;
    uint8_t *key = f + h, *body = f + h + 4;
    for (size_t i = 0; i < len; i++) body[i] ^= key[i & 3];
    if (!(op >= CLOSE ? control(fd, op, body, len) : data(fd, fin, op, body, len))) return -1;
    taken += h + 4 + len;
  }
  return table[fd]->last ? (ssize_t)n : (ssize_t)taken;
}

// sha1 of at most 119 bytes (FIPS 180-4 section 6.1).
static void sha1(const uint8_t *p, size_t n, uint8_t digest[20]) {
  uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  uint8_t block[128] = {0};
  size_t blocks = n < 56 ? 1 : 2;
  memcpy(block, p, n);
  block[n] = 0x80;
  for (int i = 0; i < 8; i++) block[64 * blocks - 1 - i] = (uint64_t)n * 8 >> 8 * i;
  for (size_t b = 0; b < blocks; b++) {
    uint32_t w[80], v[5];
    for (int i = 0; i < 16; i++) {
      uint8_t *q = block + 64 * b + 4 * i;
      w[i] = (uint32_t)q[0] << 24 | q[1] << 16 | q[2] << 8 | q[3];
    }
    for (int i = 16; i < 80; i++) {
      uint32_t x = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];
      w[i] = x << 1 | x >> 31;
    }
    memcpy(v, h, sizeof v);
    for (int i = 0; i < 80; i++) {
      uint32_t f, k;
      if (i < 20) f = (v[1] & v[2]) | (~v[1] & v[3]), k = 0x5a827999;
      else if (i < 40) f = v[1] ^ v[2] ^ v[3], k = 0x6ed9eba1;
      else if (i < 60) f = (v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3]), k = 0x8f1bbcdc;
      else f = v[1] ^ v[2] ^ v[3], k = 0xca62c1d6;
      uint32_t t = (v[0] << 5 | v[0] >> 27) + f + v[4] + k + w[i];
      v[4] = v[3], v[3] = v[2], v[2] = v[1] << 30 | v[1] >> 2, v[1] = v[0], v[0] = t;
    }
    for (int i = 0; i < 5; i++) h[i] += v[i];
  }
  for (int i = 0; i < 20; i++) digest[i] = h[i / 4] >> (24 - 8 * (i % 4));
}

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// accept_key is Sec-WebSocket-Accept (RFC 6455 section 4.2.2) of a key of 24 letters.
static void accept_key(const char *key, char out[29]) {
  uint8_t digest[21] = {0};
  char text[61];
  memcpy(text, key, 24);
  memcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 37);
  sha1((const uint8_t *)text, 60, digest);
  for (int i = 0; i < 7; i++) {
    uint32_t v = digest[3 * i] << 16 | digest[3 * i + 1] << 8 | digest[3 * i + 2];
    for (int k = 0; k < 4; k++) out[4 * i + k] = letters[v >> (18 - 6 * k) & 63];
  }
  out[27] = '=', out[28] = 0;
}

// field finds a header field and copies its value without the blanks around it; the
// number of fields of that name is returned.
static int field(const char *head, const char *name, char *value, size_t room) {
  int found = 0;
  size_t n = strlen(name);
  for (const char *line = strstr(head, "\r\n"); line && line[2] != '\r'; line = strstr(line + 2, "\r\n")) {
    const char *at = line + 2, *stop = strstr(at, "\r\n");
    if (strncasecmp(at, name, n) || at[n] != ':') continue;
    found++;
    for (at += n + 1; *at == ' ' || *at == '\t'; at++) {}
    while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t')) stop--;
    if ((size_t)(stop - at) >= room) return -1;
    memcpy(value, at, stop - at);
    value[stop - at] = 0;
  }
  return found;
}

// token reports whether a list separated by commas has a token, in any case.
static bool token(char *list, const char *want) {
  for (char *save, *t = strtok_r(list, ", \t", &save); t; t = strtok_r(NULL, ", \t", &save))
    if (!strcasecmp(t, want)) return true;
  return false;
}

static bool valid_key(const char *key) {
  return strlen(key) == 24 && strspn(key, letters) == 22 && !strcmp(key + 22, "==") && strchr("AQgw", key[21]);
}

static const char *judge(const char *head, char key[64]) {
  char value[256];
  const char *version = strstr(head, " HTTP/1.");
  const char *line = strstr(head, "\r\n");
  if (strncmp(head, "GET ", 4)) return "405 Method Not Allowed";
  if (!version || version > line || strncmp(version, " HTTP/1.1\r", 10)) return "505 HTTP Version Not Supported";
  if (strncmp(head, "GET /echo ", 10) && strncmp(head, "GET /echo?", 10)) return "404 Not Found";
  if (field(head, "Host", value, sizeof value) != 1) return "400 Bad Request";
  if (field(head, "Connection", value, sizeof value) < 1 || !token(value, "upgrade")) return "400 Bad Request";
  if (field(head, "Upgrade", value, sizeof value) < 1 || !token(value, "websocket")) return "400 Bad Request";
  if (field(head, "Sec-WebSocket-Version", value, sizeof value) < 1) return "400 Bad Request";
  if (strcmp(value, "13")) return "426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13";
  if (field(head, "Sec-WebSocket-Key", key, 64) != 1 || !valid_key(key)) return "400 Bad Request";
  return NULL;
}

// handshake answers a request that ends within p, and returns how many bytes it had; 0
// if it does not end yet, -1 if the connection was ended.
static ssize_t handshake(int fd, uint8_t *p, size_t n) {
  static char head[MAX_REQUEST + 1], answer[512];
  uint8_t *stop = memmem(p, n, "\r\n\r\n", 4);
  size_t length = stop ? (size_t)(stop - p) + 4 : n;
  if (length > MAX_REQUEST) return end(fd), -1;
  if (!stop) return 0;
  memcpy(head, p, length);
  head[length] = 0;
  char key[64], accept[29];
  const char *wrong = strlen(head) != length ? "400 Bad Request" : judge(head, key);
  if (wrong) {
    int k = snprintf(answer, sizeof answer, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", wrong);
    if (!put(fd, answer, k)) return -1;
    table[fd]->last = true;
    shutdown(fd, SHUT_WR);
    return n;
  }
  accept_key(key, accept);
  int k = snprintf(answer, sizeof answer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
  return put(fd, answer, k) ? (ssize_t)length : -1;
}

// upgraded are the descriptors whose handshake is over, a bit each.
static uint8_t *upgraded;

static void read_from(int fd) {
  conn *c = table[fd];
  size_t kept = c == &idle ? 0 : c->in.len;
  if (kept) memcpy(buffer, c->in.at, kept);
  ssize_t n = recv(fd, buffer + kept, BUFFER - kept, 0);
  if (n <= 0) {
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    return end(fd);
  }
  if (c != &idle && c->last) return; // until the peer ends it
  size_t have = kept + n, at = 0;
  if (!(upgraded[fd / 8] >> fd % 8 & 1)) {
    ssize_t taken = handshake(fd, buffer, have);
    if (taken < 0) return;
    if (taken && !table[fd]->last) {
      upgraded[fd / 8] |= 1 << fd % 8;
      rest(fd);
    }
    at = taken;
  }
  if (upgraded[fd / 8] >> fd % 8 & 1) {
    ssize_t taken = frames(fd, buffer + at, have - at);
    if (taken < 0) return;
    at += taken;
  }
  if (have > at || kept) {
    c = own(fd);
    clear(&c->in);
    if (have > at) append(&c->in, buffer + at, have - at);
  }
  if (upgraded[fd / 8] >> fd % 8 & 1) rest(fd);
}

static void write_to(int fd) {
  conn *c = table[fd];
  if (c == &idle || !c->out.len) return watch(fd, EPOLLIN);
  ssize_t n = send(fd, c->out.at, c->out.len, MSG_NOSIGNAL);
  if (n < 0) {
    if (errno != EAGAIN && errno != EINTR) end(fd);
    return;
  }
  drop(&c->out, n);
  if (c->out.len) return;
  watch(fd, EPOLLIN);
  if (c->last) shutdown(fd, SHUT_WR);
  if (upgraded[fd / 8] >> fd % 8 & 1) rest(fd);
}

static void accept_all(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
    if (fd < 0) return; // none is there, or no descriptor is left
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    if (!(table[fd] = calloc(1, sizeof(conn))) || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e)) die("a new connection");
    upgraded[fd / 8] &= ~(1 << fd % 8);
  }
}

static int listen_on(char *address) {
  struct sockaddr_in to = {.sin_family = AF_INET};
  char *colon = address ? strrchr(address, ':') : NULL;
  if (!colon) {
    fprintf(stderr, "usage: start --listen HOST:PORT\n");
    exit(1);
  }
  *colon = 0;
  to.sin_port = htons(atoi(colon + 1));
  if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
    fprintf(stderr, "c-floor: %s is no IPv4 address\n", address);
    exit(1);
  }
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof to) || listen(fd, 4096)) die("listen");
  socklen_t n = sizeof to;
  getsockname(fd, (struct sockaddr *)&to, &n);
  printf("{\"pid\":%d,\"engine\":\"c-floor\",\"listen\":[\"%s:%d\"]}\n", getpid(), address, ntohs(to.sin_port));
  fflush(stdout);
  return fd;
}

// Nothing is kept that would have to be put away.
static void on_end(int number) {
  (void)number;
  _exit(0);
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGINT, on_end);
  signal(SIGTERM, on_end);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  size = limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (size > 4 << 20) size = 4 << 20;
  if (!(table = calloc(size, sizeof *table)) || !(upgraded = calloc(size / 8 + 1, 1))) die("memory");
  int listener = listen_on(argc == 3 && !strcmp(argv[1], "--listen") ? argv[2] : NULL);
  if ((epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1");
  struct epoll_event e = {.events = EPOLLIN, .data.fd = listener}, events[BATCH];
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e)) die("epoll_ctl");
  for (;;) {
    int n = epoll_wait(epoll, events, BATCH, -1);
    if (n < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        accept_all(listener);
        continue;
      }
      if (!table[fd]) continue; // ended earlier in this batch
      if (events[i].events & EPOLLOUT) write_to(fd);
      if (table[fd] && events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) read_from(fd);
    }
  }
}
