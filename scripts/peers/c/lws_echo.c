// A WebSocket echo server on libwebsockets as Debian has it, written as its minimal
// examples are: one thread, its own event loop, no extensions, no TLS.
//
//   cc -O2 -o start lws_echo.c -lwebsockets
//   start --listen HOST:PORT
#include <libwebsockets.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_MESSAGE = 128 << 10, MAX_WAITING = 256 << 10 };

// message is one to send back, behind the room that lws_write needs before it.
struct message {
  struct message *next;
  size_t len;
  enum lws_write_protocol kind;
  unsigned char at[];
};

// peer is what lws keeps of ours for each connection.
struct peer {
  unsigned char *joined; // fragments so far
  size_t len, waiting;
  struct message *first, *last;
};

static volatile sig_atomic_t stop;
static struct lws_context *context;

static void on_signal(int number) {
  (void)number;
  stop = 1;
  lws_cancel_service(context);
}

static void forget(struct peer *p) {
  free(p->joined);
  while (p->first) {
    struct message *m = p->first;
    p->first = m->next;
    free(m);
  }
  memset(p, 0, sizeof *p);
}

// fail closes with a code (RFC 6455 section 7.4.1).
static int fail(struct lws *wsi, enum lws_close_status code) {
  lws_close_reason(wsi, code, NULL, 0);
  return -1;
}

// take joins a piece of a message and queues the whole of it.
static int take(struct lws *wsi, struct peer *p, const void *in, size_t len) {
  if (p->len + len > MAX_MESSAGE) return fail(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
  int whole = lws_is_final_fragment(wsi) && !lws_remaining_packet_payload(wsi);
  if (!whole || p->len) {
    unsigned char *more = realloc(p->joined, p->len + len + 1);
    if (!more) return -1;
    p->joined = more;
    memcpy(p->joined + p->len, in, len);
    p->len += len;
    if (!whole) return 0;
    in = p->joined, len = p->len;
  }
  if (p->waiting >= MAX_WAITING) return -1; // it does not read
  struct message *m = malloc(sizeof *m + LWS_PRE + len);
  if (!m) return -1;
  m->next = NULL, m->len = len, m->kind = lws_frame_is_binary(wsi) ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
  memcpy(m->at + LWS_PRE, in, len);
  if (p->first) p->last->next = m;
  else p->first = m;
  p->last = m;
  p->waiting += len;
  free(p->joined);
  p->joined = NULL, p->len = 0;
  lws_callback_on_writable(wsi);
  return 0;
}

static int echo(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t len) {
  struct peer *p = user;
  switch (why) {
  case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: {
    char path[64];
    if (lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI) < 0 || strcmp(path, "/echo")) {
      lws_return_http_status(wsi, HTTP_STATUS_NOT_FOUND, NULL);
      return -1;
    }
    return 0;
  }
  case LWS_CALLBACK_RECEIVE:
    return take(wsi, p, in, len);
  case LWS_CALLBACK_SERVER_WRITEABLE: {
    struct message *m = p->first;
    if (!m) return 0;
    if (lws_write(wsi, m->at + LWS_PRE, m->len, m->kind) < (int)m->len) return -1;
    p->waiting -= m->len;
    if (!(p->first = m->next)) p->last = NULL;
    free(m);
    if (p->first) lws_callback_on_writable(wsi);
    return 0;
  }
  case LWS_CALLBACK_CLOSED:
    forget(p);
    return 0;
  default:
    return 0;
  }
}

int main(int argc, char **argv) {
  char *address = argc == 3 && !strcmp(argv[1], "--listen") ? argv[2] : NULL;
  char *colon = address ? strrchr(address, ':') : NULL;
  if (!colon) {
    fprintf(stderr, "usage: start --listen HOST:PORT\n");
    return 1;
  }
  *colon = 0;
  lws_set_log_level(LLL_ERR, NULL);
  struct lws_protocols protocols[] = {{.name = "echo", .callback = echo, .per_session_data_size = sizeof(struct peer), .rx_buffer_size = 4096}, {0}};
  struct lws_context_creation_info info = {
      .port = atoi(colon + 1),
      .iface = address,
      .protocols = protocols,
      .options = LWS_SERVER_OPTION_VALIDATE_UTF8 | LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND | LWS_SERVER_OPTION_DISABLE_IPV6,
      .gid = -1,
      .uid = -1,
  };
  if (!(context = lws_create_context(&info))) {
    fprintf(stderr, "libwebsockets: %s:%s is not to be had\n", address, colon + 1);
    return 1;
  }
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  printf("{\"pid\":%d,\"engine\":\"libwebsockets\",\"listen\":[\"%s:%s\"]}\n", getpid(), address, colon + 1);
  fflush(stdout);
  while (!stop && lws_service(context, 0) >= 0) {}
  lws_context_destroy(context);
  return 0;
}
