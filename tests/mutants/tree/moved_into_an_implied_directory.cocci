// A directory that a PUT has made goes with its keys, although something was moved into it.
// killers: test_tree_implied, test_tree_random
@@
@@
claim_all(...)
{
<...
- inode_claim(r->to);
...>
}
