// SPDX-License-Identifier: Apache-2.0
//
// The part of DuckDB's C API that Hutong calls, reached through a table of pointers that is filled at first use.
// The binary is not linked against DuckDB, so every verb that reads no table runs without it.
//
// Written against libduckdb 2.0.0; the layouts below are those of its public header (duckdb.h).
// Each `cduckdb_x` has the meaning of `duckdb_x` there. Calling one before cduckdb_load() answered NULL ends
// the process.
#ifndef CDUCKDB_H
#define CDUCKDB_H
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t duckdb_idx;

typedef struct CDuckDBDatabase *duckdb_database;
typedef struct CDuckDBConnection *duckdb_connection;
typedef struct CDuckDBConfig *duckdb_config;
typedef struct CDuckDBPrepared *duckdb_prepared_statement;
typedef struct CDuckDBPending *duckdb_pending_result;
typedef struct CDuckDBChunk *duckdb_data_chunk;
typedef struct CDuckDBVector *duckdb_vector;
typedef struct CDuckDBType *duckdb_logical_type;
typedef struct CDuckDBFunction *duckdb_scalar_function;
typedef struct CDuckDBFunctionInfo *duckdb_function_info;

typedef struct {
    duckdb_idx deprecated_column_count;
    duckdb_idx deprecated_row_count;
    duckdb_idx deprecated_rows_changed;
    void *deprecated_columns;
    char *deprecated_error_message;
    void *internal_data;
} duckdb_result;

typedef struct {
    uint64_t lower;
    int64_t upper;
} duckdb_hugeint;

typedef struct {
    uint8_t width;
    uint8_t scale;
    duckdb_hugeint value;
} duckdb_decimal;

typedef struct {
    int32_t days;
} duckdb_date;

typedef struct {
    int64_t micros;
} duckdb_timestamp;

typedef struct {
    double percentage;
    uint64_t rows_processed;
    uint64_t total_rows_to_process;
} duckdb_query_progress_type;

typedef void (*duckdb_delete_callback)(void *data);
typedef void (*duckdb_scalar_callback)(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output);

// result type, name, parameters, arguments
#define CDUCKDB_FUNCTIONS(F) \
    F(const char *, library_version, (void), ()) \
    F(void, free, (void *pointer), (pointer)) \
    F(int, create_config, (duckdb_config *config), (config)) \
    F(int, set_config, (duckdb_config config, const char *name, const char *option), (config, name, option)) \
    F(void, destroy_config, (duckdb_config *config), (config)) \
    F(int, open_ext, (const char *path, duckdb_database *database, duckdb_config config, char **error), \
      (path, database, config, error)) \
    F(void, close, (duckdb_database *database), (database)) \
    F(int, connect, (duckdb_database database, duckdb_connection *connection), (database, connection)) \
    F(void, disconnect, (duckdb_connection *connection), (connection)) \
    F(void, interrupt, (duckdb_connection connection), (connection)) \
    F(duckdb_query_progress_type, query_progress, (duckdb_connection connection), (connection)) \
    F(int, prepare, (duckdb_connection connection, const char *sql, duckdb_prepared_statement *statement), \
      (connection, sql, statement)) \
    F(const char *, prepare_error, (duckdb_prepared_statement statement), (statement)) \
    F(void, destroy_prepare, (duckdb_prepared_statement *statement), (statement)) \
    F(duckdb_idx, nparams, (duckdb_prepared_statement statement), (statement)) \
    F(int, bind_null, (duckdb_prepared_statement statement, duckdb_idx place), (statement, place)) \
    F(int, bind_boolean, (duckdb_prepared_statement statement, duckdb_idx place, bool value), \
      (statement, place, value)) \
    F(int, bind_hugeint, (duckdb_prepared_statement statement, duckdb_idx place, duckdb_hugeint value), \
      (statement, place, value)) \
    F(int, bind_int64, (duckdb_prepared_statement statement, duckdb_idx place, int64_t value), \
      (statement, place, value)) \
    F(int, bind_decimal, (duckdb_prepared_statement statement, duckdb_idx place, duckdb_decimal value), \
      (statement, place, value)) \
    F(int, bind_double, (duckdb_prepared_statement statement, duckdb_idx place, double value), \
      (statement, place, value)) \
    F(int, bind_date, (duckdb_prepared_statement statement, duckdb_idx place, duckdb_date value), \
      (statement, place, value)) \
    F(int, bind_timestamp, (duckdb_prepared_statement statement, duckdb_idx place, duckdb_timestamp value), \
      (statement, place, value)) \
    F(int, bind_varchar_length, \
      (duckdb_prepared_statement statement, duckdb_idx place, const char *value, duckdb_idx length), \
      (statement, place, value, length)) \
    F(int, bind_blob, \
      (duckdb_prepared_statement statement, duckdb_idx place, const void *value, duckdb_idx length), \
      (statement, place, value, length)) \
    F(int, pending_prepared_streaming, (duckdb_prepared_statement statement, duckdb_pending_result *pending), \
      (statement, pending)) \
    F(const char *, pending_error, (duckdb_pending_result pending), (pending)) \
    F(int, execute_pending, (duckdb_pending_result pending, duckdb_result *result), (pending, result)) \
    F(void, destroy_pending, (duckdb_pending_result *pending), (pending)) \
    F(const char *, result_error, (duckdb_result *result), (result)) \
    F(int, result_error_type, (duckdb_result *result), (result)) \
    F(duckdb_idx, column_count, (duckdb_result *result), (result)) \
    F(const char *, column_name, (duckdb_result *result, duckdb_idx column), (result, column)) \
    F(duckdb_logical_type, column_logical_type, (duckdb_result *result, duckdb_idx column), (result, column)) \
    F(duckdb_idx, rows_changed, (duckdb_result *result), (result)) \
    F(duckdb_data_chunk, fetch_chunk, (duckdb_result result), (result)) \
    F(void, destroy_result, (duckdb_result *result), (result)) \
    F(duckdb_idx, data_chunk_get_size, (duckdb_data_chunk chunk), (chunk)) \
    F(duckdb_vector, data_chunk_get_vector, (duckdb_data_chunk chunk, duckdb_idx column), (chunk, column)) \
    F(void, destroy_data_chunk, (duckdb_data_chunk *chunk), (chunk)) \
    F(void *, vector_get_data, (duckdb_vector vector), (vector)) \
    F(uint64_t *, vector_get_validity, (duckdb_vector vector), (vector)) \
    F(void, vector_ensure_validity_writable, (duckdb_vector vector), (vector)) \
    F(void, validity_set_row_invalid, (uint64_t *validity, duckdb_idx row), (validity, row)) \
    F(void, vector_assign_string_element_len, \
      (duckdb_vector vector, duckdb_idx row, const char *text, duckdb_idx length), (vector, row, text, length)) \
    F(int, get_type_id, (duckdb_logical_type type), (type)) \
    F(uint8_t, decimal_width, (duckdb_logical_type type), (type)) \
    F(uint8_t, decimal_scale, (duckdb_logical_type type), (type)) \
    F(int, decimal_internal_type, (duckdb_logical_type type), (type)) \
    F(duckdb_logical_type, create_logical_type, (int type), (type)) \
    F(void, destroy_logical_type, (duckdb_logical_type *type), (type)) \
    F(duckdb_scalar_function, create_scalar_function, (void), ()) \
    F(void, destroy_scalar_function, (duckdb_scalar_function *function), (function)) \
    F(void, scalar_function_set_name, (duckdb_scalar_function function, const char *name), (function, name)) \
    F(void, scalar_function_add_parameter, (duckdb_scalar_function function, duckdb_logical_type type), \
      (function, type)) \
    F(void, scalar_function_set_return_type, (duckdb_scalar_function function, duckdb_logical_type type), \
      (function, type)) \
    F(void, scalar_function_set_special_handling, (duckdb_scalar_function function), (function)) \
    F(void, scalar_function_set_extra_info, \
      (duckdb_scalar_function function, void *info, duckdb_delete_callback destroy), (function, info, destroy)) \
    F(void, scalar_function_set_function, (duckdb_scalar_function function, duckdb_scalar_callback callback), \
      (function, callback)) \
    F(void *, scalar_function_get_extra_info, (duckdb_function_info info), (info)) \
    F(void, scalar_function_set_error, (duckdb_function_info info, const char *error), (info, error)) \
    F(int, register_scalar_function, (duckdb_connection connection, duckdb_scalar_function function), \
      (connection, function))

#define CDUCKDB_DECLARE(result, name, parameters, arguments) result cduckdb_##name parameters;
CDUCKDB_FUNCTIONS(CDUCKDB_DECLARE)
#undef CDUCKDB_DECLARE

/// Loads the library and fills the table. Answers NULL when every function was found, else why not (a text that
/// stays valid until the next call on this thread). Call it once, from one thread.
const char *cduckdb_load(const char *library);

#endif
