// SPDX-License-Identifier: Apache-2.0
// Peer (a): SQLite through C, prepared statements, 1,000 transfers a commit, synchronous=FULL. No ids looked up, no
// limits checked: the floor of the engine, not a ledger.
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    double seconds = argc > 2 ? atof(argv[2]) : 3;
    sqlite3 *db;
    if (sqlite3_open(argv[1], &db)) return 1;
    sqlite3_exec(db,
                 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;"
                 "PRAGMA wal_autocheckpoint=4096;"
                 "CREATE TABLE account (id INTEGER PRIMARY KEY, debits INTEGER, credits INTEGER);"
                 "CREATE TABLE transfer (at INTEGER PRIMARY KEY, id BLOB UNIQUE, debit INTEGER, credit INTEGER,"
                 " amount INTEGER);"
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 10000)"
                 " INSERT INTO account SELECT i, 0, 0 FROM n;",
                 0, 0, 0);
    sqlite3_stmt *insert, *debit, *credit;
    sqlite3_prepare_v2(db, "INSERT INTO transfer VALUES (?,?,?,?,1)", -1, &insert, 0);
    sqlite3_prepare_v2(db, "UPDATE account SET debits = debits + 1 WHERE id = ?", -1, &debit, 0);
    sqlite3_prepare_v2(db, "UPDATE account SET credits = credits + 1 WHERE id = ?", -1, &credit, 0);
    uint64_t random = 1;
    long done = 0;
    double start = now();
    while (now() - start < seconds) {
        sqlite3_exec(db, "BEGIN IMMEDIATE", 0, 0, 0);
        for (int i = 0; i < 1000; i++, done++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            int from = 1 + (random >> 33) % 10000, to = 1 + (random >> 20) % 10000;
            uint64_t id[2] = {__builtin_bswap64((uint64_t)done), random};
            sqlite3_bind_int64(insert, 1, done + 1);
            sqlite3_bind_blob(insert, 2, id, 16, SQLITE_STATIC);
            sqlite3_bind_int64(insert, 3, from);
            sqlite3_bind_int64(insert, 4, to);
            if (sqlite3_step(insert) != SQLITE_DONE) return 2;
            sqlite3_reset(insert);
            sqlite3_bind_int64(debit, 1, from);
            sqlite3_step(debit);
            sqlite3_reset(debit);
            sqlite3_bind_int64(credit, 1, to);
            sqlite3_step(credit);
            sqlite3_reset(credit);
        }
        if (sqlite3_exec(db, "COMMIT", 0, 0, 0)) return 3;
    }
    printf("%.0f\n", done / (now() - start));
    return 0;
}
