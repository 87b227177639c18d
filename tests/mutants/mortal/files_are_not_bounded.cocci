// There may be any number of files that go away.
// killers: test_tree_mortal
@@
@@
check_file(...)
{
<...
- tree->mortals.files >= MORTAL_FILES_MAX
+ false
...>
}
