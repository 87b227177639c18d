// A tree of a former format is brought up to date with each start: it is not marked.
// killers: test_upgrade
@@
@@
tree_upgrade(...)
{
<...
- sql_upgraded(...)
+ 0
...>
}
