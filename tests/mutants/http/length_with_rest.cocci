// A length may have text behind its digits.
// killers: test_http_strict
@@
@@
take_length(...)
{
<...
- digits == 0 || text[digits]
+ digits == 0
...>
}
