// A leader that nobody follows proposes commands that may be refused later.
// killers: test_writes
@@
expression E;
@@
writes_can_be_proposed(...)
{
- return E && r->status.has_quorum;
+ return E;
}
