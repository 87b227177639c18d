// A page is believed as it is read.
// killers: test_seal
@@
@@
sealed_read(...)
{
<...
- is_sealed(to, offset)
+ true
...>
}
