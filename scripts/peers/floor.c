// The floor in C: two processes of one thread each echo fixed-size records over
// plain TCP connections, or connect and accept, or pairs of them write and read a
// fan-out, with epoll and nothing else. It is the twin of loadgen/internal/bare,
// and of the bare fan-out of loadgen/internal/yardstick, step by step, and exists
// to show that the yardsticks written in Go are not slow ones.
//
//   cc -O2 -o floor floor.c
//   floor echo    CONNS PAYLOAD WARM_UP_MS WINDOW_MS   prints round trips per second
//   floor connect CONNS                                prints connections per second
//   floor fanout  CONNS PAYLOAD PAIRS WINDOW_MS        prints deliveries per second
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 512, BUFFER = 64 << 10, BURST = 512 };

static char buffer[BUFFER];
static struct epoll_event events[BATCH];

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static int listener(struct sockaddr_in *at) {
  socklen_t size = sizeof *at;
  int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (l < 0 || bind(l, (struct sockaddr *)at, size) || listen(l, 4096) || getsockname(l, (struct sockaddr *)at, &size))
    die("listen");
  return l;
}

static int dial(struct sockaddr_in *at) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct linger cut = {1, 0};
  if (fd < 0 || connect(fd, (struct sockaddr *)at, sizeof *at)) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &cut, sizeof cut);
  return fd;
}

static void watch(int poll, int fd) {
  struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
  if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e)) die("epoll_ctl");
}

static void serve_echo(int l, int conns) {
  int poll = epoll_create1(EPOLL_CLOEXEC), one = 1;
  for (int i = 0; i < conns; i++) {
    int fd = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) die("accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    watch(poll, fd);
  }
  for (;;) {
    int n = epoll_wait(poll, events, BATCH, -1);
    for (int i = 0; i < n; i++) {
      ssize_t got = recv(events[i].data.fd, buffer, BUFFER, 0);
      if (got <= 0) return; // the client has gone
      if (send(events[i].data.fd, buffer, got, MSG_NOSIGNAL) != got) return;
    }
  }
}

static void echo(struct sockaddr_in *at, int conns, int payload, int warm, int window) {
  int poll = epoll_create1(EPOLL_CLOEXEC), *fds = malloc(conns * sizeof *fds);
  for (int i = 0; i < conns; i++) watch(poll, fds[i] = dial(at));
  for (int i = 0; i < conns; i++)
    if (send(fds[i], buffer, payload, MSG_NOSIGNAL) != payload) die("send");
  long trips = 0;
  double open = now() + warm / 1e3, begun = 0;
  for (;;) {
    int n = epoll_wait(poll, events, BATCH, -1);
    for (int i = 0; i < n; i++) {
      if (recv(events[i].data.fd, buffer, BUFFER, MSG_DONTWAIT) != payload) die("recv");
      if (send(events[i].data.fd, buffer, payload, MSG_DONTWAIT | MSG_NOSIGNAL) != payload) die("send");
    }
    trips += n;
    double t = now();
    if (!begun && t >= open) begun = t, trips = 0;
    if (begun && t >= begun + window / 1e3) {
      printf("%.0f\n", trips / (t - begun));
      return;
    }
  }
}

static void serve_connect(int l, int conns) {
  for (int i = 1; i <= conns; i++) {
    int fd = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) die("accept");
    if (i % BURST == 0 && write(fd, "", 1) != 1) die("write");
  }
  pause();
}

static void connect_all(struct sockaddr_in *at, int conns) {
  int *fds = malloc(conns * sizeof *fds);
  char mark;
  double begun = now();
  for (int i = 1; i <= conns; i++) {
    fds[i - 1] = dial(at);
    // Stay at most two bursts ahead of accept: a full backlog would cost a second.
    if (i % BURST == 0 && i > BURST && read(fds[i - BURST - 1], &mark, 1) != 1) die("read");
  }
  if (read(fds[conns - 1], &mark, 1) != 1) die("read");
  printf("%.0f\n", conns / (now() - begun));
}

// A process that writes the record to each of its connections for each byte of in.
static void fan(int l, int conns, int payload, int in, int out) {
  int *fds = malloc(conns * sizeof *fds), one = 1;
  char pass;
  for (int i = 0; i < conns; i++) {
    if ((fds[i] = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0) die("accept");
    setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if ((i + 1) % BURST == 0 && write(fds[i], "", 1) != 1) die("write");
  }
  if (write(out, "", 1) != 1) die("write");
  while (read(in, &pass, 1) == 1)
    for (int i = 0; i < conns; i++)
      if (write(fds[i], buffer, payload) != payload) die("write");
}

// A process that reads, and writes a byte to out when it is ready and whenever it
// has a record of each connection.
static void gather(struct sockaddr_in *at, int conns, int payload, int out) {
  int poll = epoll_create1(EPOLL_CLOEXEC), *fds = malloc(conns * sizeof *fds);
  char mark;
  for (int i = 0; i < conns; i++) {
    fds[i] = dial(at);
    if ((i + 1) % BURST == 0 && read(fds[i], &mark, 1) != 1) die("read");
  }
  for (int i = 0; i < conns; i++) watch(poll, fds[i]);
  if (write(out, "", 1) != 1) die("write");
  for (long left = (long)conns * payload;;) {
    int n = epoll_wait(poll, events, BATCH, -1);
    for (int i = 0; i < n; i++) {
      ssize_t got = recv(events[i].data.fd, buffer, BUFFER, MSG_DONTWAIT);
      if (got <= 0) return;
      left -= got;
    }
    if (left == 0) {
      left = (long)conns * payload;
      if (write(out, "", 1) != 1) die("write");
    }
  }
}

// fanout runs pairs of such processes, which end with this one.
static void fanout(int conns, int payload, int pairs, int window) {
  int done[2], go[64][2];
  char byte;
  if (pairs < 1 || pairs > 64 || pipe(done)) die("pipe");
  for (int i = 0; i < pairs; i++) {
    struct sockaddr_in at;
    int l = listener(&at), part = conns * (i + 1) / pairs - conns * i / pairs;
    if (pipe(go[i])) die("pipe");
    for (int half = 0; half < 2; half++) {
      if (fork()) continue;
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      half ? gather(&at, part, payload, done[1]) : fan(l, part, payload, go[i][0], done[1]);
      exit(0);
    }
    close(l);
  }
  for (int i = 0; i < 2 * pairs; i++)
    if (read(done[0], &byte, 1) != 1) die("read");
  long passes = 0;
  double begun = now(), t;
  do {
    for (int i = 0; i < pairs; i++)
      if (write(go[i][1], "", 1) != 1) die("write");
    for (int i = 0; i < pairs; i++)
      if (read(done[0], &byte, 1) != 1) die("read");
    passes++;
    t = now();
  } while (t < begun + window / 1e3);
  printf("%.0f\n", passes * (double)conns / (t - begun));
}

int main(int argc, char **argv) {
  int is_echo = argc == 6 && !strcmp(argv[1], "echo"), is_connect = argc == 3 && !strcmp(argv[1], "connect");
  if (argc == 6 && !strcmp(argv[1], "fanout")) {
    fanout(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
    return 0;
  }
  if (!is_echo && !is_connect) {
    fprintf(stderr, "usage: floor echo CONNS PAYLOAD WARM_UP_MS WINDOW_MS | floor connect CONNS | floor fanout CONNS PAYLOAD PAIRS WINDOW_MS\n");
    return 1;
  }
  struct sockaddr_in at;
  int conns = atoi(argv[2]), l = listener(&at);
  if (is_connect) conns -= conns % BURST;
  pid_t server = fork();
  if (!server) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    is_echo ? serve_echo(l, conns) : serve_connect(l, conns);
    return 0;
  }
  close(l);
  is_echo ? echo(&at, conns, atoi(argv[3]), atoi(argv[4]), atoi(argv[5])) : connect_all(&at, conns);
  fflush(stdout);
  kill(server, SIGKILL);
  waitpid(server, NULL, 0);
  return 0;
}
