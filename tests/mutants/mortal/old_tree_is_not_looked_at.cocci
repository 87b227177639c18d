// What the tree has when it is opened never goes.
// killers: test_expiry
@@
@@
expiry_tick(...)
{
<...
- e->scans
+ false
...>
}
