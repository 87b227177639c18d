// A change compares the first tag of a list only.
// killers: test_http_meaning
@@
@@
one_tag(...)
{
<...
- found && !http_list_next(&list, &another)
+ found
...>
}
