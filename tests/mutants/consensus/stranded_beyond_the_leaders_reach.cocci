// A leader stays content that cannot help a stranded follower, as it reaches too few itself.
// killers: scenarios
@@
@@
judge_stranded(...)
{
<...
- e->happy = false;
+ ;
...>
}
