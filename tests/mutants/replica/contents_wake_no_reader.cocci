// Reads go on with an entry that leaves the file empty, and not with its contents.
// killers: test_emptied
@@
@@
need_not_wait(...)
{
<...
- !is_still_empty(e, w->ino)
+ is_still_empty(e, w->ino)
...>
}
