// The last link of a file is counted away before it is removed.
// killers: test_echo_answer
@@
@@
put_links(...)
{
<...
- attr->nlink = found->links;
+ attr->nlink = found->links - 1;
...>
}
