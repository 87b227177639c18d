// The size of a chunk is not limited.
// killers: test_http_strict
@@
expression E;
@@
take_digit(...)
{
<...
- chunks->left >> 48 || E
+ E
...>
}
