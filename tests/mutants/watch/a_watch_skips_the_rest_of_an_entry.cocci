// A watch that took a part of an entry does not get the rest.
// killers: test_watches
@@
@@
take_entry(...)
{
<...
- return !taking->full;
+ return true;
...>
}
