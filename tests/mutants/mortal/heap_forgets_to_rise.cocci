// A deadline that comes sooner stays where it was.
// killers: test_expiry
@@
@@
sift(...)
{
<...
- at > 0
+ false
...>
}
