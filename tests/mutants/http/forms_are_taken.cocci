// What a form of an old browser sends is taken.
// killers: test_http_users
@@
@@
http_page_may(...)
{
<...
- !may_be_form(head)
+ true
...>
}
