/* SQL that follows from the descriptions of tables. */
#include "store/tree_tables.h"

#include "base/buffer.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

uint32_t tables_count(uint32_t format)
{
    uint32_t count = 0;
    while (count < TABLES_MAX && tree_tables[count].name && tree_tables[count].format <= format)
        count++;
    return count;
}

/* The column behind this one (NULL: the first) that the format has, or NULL. */
static const struct column *column_next(const struct table *table, uint32_t format,
                                        const struct column *column)
{
    const struct column *end = table->columns + COLUMNS_MAX;
    column = column ? column + 1 : table->columns;
    while (column < end && column->format > format)
        column++;
    return column < end && column->name ? column : NULL;
}

uint32_t columns_count(const struct table *table, uint32_t format)
{
    uint32_t count = 0;
    for (const struct column *c = NULL; (c = column_next(table, format, c));)
        count++;
    return count;
}

/* Runs the text, or prepares it if `statement` is given, and frees it. */
static int text_done(struct sql *sql, struct buffer *text, sqlite3_stmt **statement)
{
    buffer_put_u8(text, '\0');
    int status;
    if (text->failed)
        status = fault_set(&sql->fault, -ENOMEM, "%s: out of memory", sql->name);
    else if (statement)
        status = sql_prepare(sql, (const char *)text->data, statement);
    else
        status = sql_exec(sql, (const char *)text->data);
    buffer_free(text);
    return status;
}

static void put_names(struct buffer *text, const struct table *table, uint32_t format)
{
    const char *comma = "";
    for (const struct column *c = NULL; (c = column_next(table, format, c)); comma = ", ")
        buffer_printf(text, "%s%s", comma, c->name);
}

static void put_key(struct buffer *text, const struct table *table)
{
    assert(table->key < COLUMNS_MAX);
    for (uint32_t i = 0; i < table->key; i++)
        buffer_printf(text, "%s%s", i > 0 ? ", " : "", table->columns[i].name);
}

static void put_column(struct buffer *text, const struct column *column)
{
    if (column->type == COLUMN_NUMBER)
        buffer_printf(text, "%s INTEGER NOT NULL DEFAULT %" PRId64, column->name, column->first);
    else
        buffer_printf(text, "%s BLOB NOT NULL DEFAULT x''", column->name);
}

int table_make(struct sql *sql, const struct table *table)
{
    struct buffer text = {0};
    const char *comma = "";
    buffer_printf(&text, "CREATE TABLE %s (", table->name);
    for (const struct column *c = NULL; (c = column_next(table, record_format, c)); comma = ", ") {
        buffer_printf(&text, "%s", comma);
        put_column(&text, c);
    }
    if (table->key > 0) {
        buffer_printf(&text, ", PRIMARY KEY (");
        put_key(&text, table);
        buffer_printf(&text, ")");
    }
    buffer_printf(&text, ") STRICT%s;%s", table->key > 1 ? ", WITHOUT ROWID" : "",
                  table->index ? table->index : "");
    return text_done(sql, &text, NULL);
}

int table_widen(struct sql *sql, const struct table *table, uint32_t format)
{
    struct buffer text = {0};
    for (const struct column *c = NULL; (c = column_next(table, record_format, c));) {
        if (c->format <= format)
            continue;
        buffer_printf(&text, "ALTER TABLE %s ADD COLUMN ", table->name);
        put_column(&text, c);
        buffer_printf(&text, ";");
    }
    return text_done(sql, &text, NULL);
}

int table_begin(struct sql *sql, const struct table *table)
{
    struct buffer text = {0};
    if (table->key > 0)
        return 0;
    buffer_printf(&text, "INSERT INTO %s DEFAULT VALUES", table->name);
    return text_done(sql, &text, NULL);
}

int table_select(struct sql *sql, const struct table *table, uint32_t format, sqlite3_stmt **select)
{
    struct buffer text = {0};
    buffer_printf(&text, "SELECT ");
    put_names(&text, table, format);
    buffer_printf(&text, " FROM %s", table->name);
    if (table->contents)
        buffer_printf(&text, " WHERE %s", table->contents);
    if (table->key > 0) {
        buffer_printf(&text, " ORDER BY ");
        put_key(&text, table);
    }
    return text_done(sql, &text, select);
}

int table_insert(struct sql *sql, const struct table *table, uint32_t format, int rows,
                 sqlite3_stmt **insert)
{
    uint32_t columns = columns_count(table, format);
    assert(rows > 0 && columns > 0);
    struct buffer text = {0};
    buffer_printf(&text, "INSERT INTO %s (", table->name);
    put_names(&text, table, format);
    buffer_printf(&text, ") VALUES ");
    for (int row = 0; row < rows; row++) {
        for (uint32_t i = 0; i < columns; i++)
            buffer_printf(&text, "%s?", i > 0 ? ", " : row > 0 ? "), (" : "(");
    }
    buffer_printf(&text, ")");
    return text_done(sql, &text, insert);
}

int table_find_wrong(struct sql *sql, const struct table *table, sqlite3_stmt **query)
{
    struct buffer text = {0};
    buffer_printf(&text, "SELECT EXISTS (SELECT 1 FROM %s WHERE %s)", table->name,
                  table->wrong ? table->wrong : "0");
    if (table->key == 0)
        buffer_printf(&text, " OR (SELECT count(*) FROM %s) <> 1", table->name);
    return text_done(sql, &text, query);
}
