// Files are remembered as emptied after a snapshot.
// killers: test_emptied
@@
@@
emptied_end(...)
{
<...
- e->files[i] = (struct emptied_file){0};
+ ;
...>
}
