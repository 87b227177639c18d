// An entry removes any number of files.
// killers: test_mortals
@@
@@
take_due(...)
{
<...
- command->count < MORTALS_FILES_MAX
+ command->count < 1000
...>
}
