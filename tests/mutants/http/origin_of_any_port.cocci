// A page at another port of a name of this node is taken.
// killers: test_http_names
@@
@@
http_origin_is_ours(...)
{
<...
- name.port ? port == name.port : port == default_port || port == own.port
+ true
...>
}
