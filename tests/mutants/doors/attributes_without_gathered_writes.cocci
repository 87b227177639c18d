// The attributes of a file are answered without the writes that are gathered on it.
// killers: test_fs
@@
@@
fs_getattr(...)
{
<...
- fs_request_read_settled(r, attr_read);
+ fs_request_read(r, attr_read);
...>
}
