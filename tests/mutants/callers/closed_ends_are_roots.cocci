// A socket that its process has closed is taken for root's, as the kernel says.
// killers: test_owner
@@
@@
has_user(...)
{
<...
- found->idiag_inode != 0
+ true
...>
}
