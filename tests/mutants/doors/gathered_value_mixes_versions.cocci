// A value that is gathered, or sent, goes on in a later version of it.
// killers: test_http_moments
@@
expression E;
@@
value_tree(...)
{
<...
- if (E)
      return tree;
...>
}
