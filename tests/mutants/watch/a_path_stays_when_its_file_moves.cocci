// A file has another name, and its path stays as it was.
// killers: test_tree_events
@@
@@
follow_name(...)
{
<...
- paths_forget(e->paths, change->ino);
+ ;
...>
}
