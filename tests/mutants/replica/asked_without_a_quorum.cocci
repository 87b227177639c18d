// The core is asked for reads before this node is a member.
// killers: test_reads
@@
expression E;
@@
reads_may_ask(...)
{
- return E && r->status.has_quorum;
+ return E;
}
