// SPDX-License-Identifier: Apache-2.0
// Clients over HTTP, each waiting for the answer to one top-up before it sends the next: what an unbatched caller of
// a node sees. clients PORT TOKEN PARTY CLIENTS SECONDS prints durable transfers a second.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int port, seconds;
static const char *token, *party;
static long done;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

// Reads one answer with a Content-Length; its status, or -1.
static int answer(int fd, char *buffer, size_t size) {
    size_t have = 0;
    char *end = 0;
    while (!end) {
        ssize_t count = read(fd, buffer + have, size - 1 - have);
        if (count <= 0) return -1;
        have += count;
        buffer[have] = 0;
        end = strstr(buffer, "\r\n\r\n");
    }
    char *length = strcasestr(buffer, "content-length:");
    size_t whole = (end - buffer) + 4 + (length ? atol(length + 15) : 0);
    while (have < whole) {
        ssize_t count = read(fd, buffer + have, size - 1 - have);
        if (count <= 0) return -1;
        have += count;
    }
    return atoi(buffer + 9);
}

static void *client(void *argument) {
    long number = (long)argument, sent = 0;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) return 0;
    char body[160], request[1024], reply[16384];
    double end = now() + seconds;
    while (now() < end) {
        int size = snprintf(body, sizeof body, "{\"amount\":\"0.01CNY\",\"bankReference\":\"B-%ld-%ld\"}", number, sent++);
        int whole = snprintf(request, sizeof request,
                             "POST /api/v1/parties/%s/top-ups HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                             "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", party, token, size, body);
        if (write(fd, request, whole) != whole) break;
        int status = answer(fd, reply, sizeof reply);
        if (status != 200) {
            fprintf(stderr, "status %d: %.300s\n", status, reply);
            exit(1);
        }
        __atomic_add_fetch(&done, 1, __ATOMIC_RELAXED);
    }
    close(fd);
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 6) return 2;
    port = atoi(argv[1]), token = argv[2], party = argv[3];
    int count = atoi(argv[4]);
    seconds = atoi(argv[5]);
    pthread_t threads[1000];
    double start = now();
    for (long number = 0; number < count; number++) pthread_create(&threads[number], 0, client, (void *)number);
    for (int number = 0; number < count; number++) pthread_join(threads[number], 0);
    printf("%.0f\n", done / (now() - start));
    return 0;
}
