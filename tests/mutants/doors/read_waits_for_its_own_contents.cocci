// A program that reads the file that it has emptied itself waits.
// killers: test_fs
@@
@@
data_read(...)
{
<...
- !r->handle->emptied
+ true
...>
}
