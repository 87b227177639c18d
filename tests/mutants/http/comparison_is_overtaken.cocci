// A change takes effect although the key changed since it was compared.
// killers: test_http_meaning
@@
@@
on_looked(...)
{
<...
- selected.exists ? OP_IF_REVISION : OP_IF_ABSENT
+ 0
...>
}
