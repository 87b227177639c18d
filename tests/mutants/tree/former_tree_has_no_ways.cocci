// A tree of the former format gets no ways for the names that it has.
// killers: test_upgrade
@@
identifier status;
@@
ways_make(...)
{
<...
- return status < 0 ? status : ways_fill(sql);
+ return status;
...>
}
