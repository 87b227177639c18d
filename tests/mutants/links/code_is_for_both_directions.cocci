// The key of codes is the same in both directions.
// killers: test_tls
@@
@@
tls_mac(...)
{
<...
- if (secret >= tls_secret_count(tls))
+ if (from > to) { uint32_t swap = from; from = to; to = swap; }
+ if (secret >= tls_secret_count(tls))
    return -ENOENT;
...>
}
