// A lease ends in the entry of other files.
// killers: test_mortals
@@
@@
take_due(...)
{
<...
- lease && command->count > 0
+ false
...>
}
