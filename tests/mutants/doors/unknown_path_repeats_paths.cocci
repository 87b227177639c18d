// The text of the 404 repeats a path for each of its methods.
// killers: test_http_bad
@@
@@
answer_unknown_path(...)
{
<...
- if (strcmp(routes[i].path, last) == 0) continue;
...>
}
