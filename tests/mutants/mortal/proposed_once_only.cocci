// What was proposed and came to nothing is not proposed again.
// killers: test_expiry, test_mortals
@@
@@
expiry_asked(...)
{
<...
- EXPIRY_AGAIN_MS
+ 1000 * EXPIRY_AGAIN_MS
...>
}
