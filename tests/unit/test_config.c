#include "config/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/test_config.XXXXXX";
static char file[sizeof dir + sizeof "/node.json"];
static mode_t mode = 0600;
static struct config config;
static struct fault fault;

/* Loads DIR with this node.json (NULL: none) and these flags (up to the first NULL). */
static int load_flags(const char *json, const char *flag1, const char *value1, const char *flag2,
                      const char *value2)
{
    const char *argv[] = {"quorumfs", dir, flag1, value1, flag2, value2, NULL};
    int argc = 0;
    FILE *out;
    unlink(file);
    if (json) {
        out = fopen(file, "w");
        assert_non_null(out);
        fchmod(fileno(out), mode);
        fputs(json, out);
        fclose(out);
    }
    while (argv[argc])
        argc++;
    fault.text[0] = '\0';
    return config_load(argc, (char **)argv, &config, &fault);
}

static void load(const char *json)
{
    if (load_flags(json, NULL, NULL, NULL, NULL) != 0)
        fail_msg("%s", fault.text);
}

static void assert_wrong(const char *json, const char *text)
{
    assert_int_equal(load_flags(json, NULL, NULL, NULL, NULL), -EINVAL);
    if (!strstr(fault.text, text))
        fail_msg("\"%s\" does not say \"%s\"", fault.text, text);
}

static void assert_wrong_flag(const char *flag, const char *value, const char *text)
{
    assert_int_equal(load_flags("{\"addr\": \"a:1\"}", flag, value, NULL, NULL), -EINVAL);
    if (!strstr(fault.text, text))
        fail_msg("\"%s\" does not say \"%s\"", fault.text, text);
}

static int make_dir(void **state)
{
    if (!mkdtemp(dir))
        return -1;
    sprintf(file, "%s/node.json", dir);
    return 0;
}

static int remove_dir(void **state)
{
    unlink(file);
    return rmdir(dir);
}

static bool allows(const char *address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        return config_allows_client(&config, (const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    return config_allows_client(&config, (const struct sockaddr *)&v6);
}

static void an_addr_is_enough(void **state)
{
    assert_int_equal(load_flags(NULL, "--addr", "127.0.0.1:8080", NULL, NULL), 0);
    assert_string_equal(config.dir, dir);
    assert_string_equal(config.me.addr, "127.0.0.1:8080");
    assert_string_equal(config.me.peer_addr, "127.0.0.1:8080");
    assert_int_equal(config.peer_count, 0);
    assert_string_equal(config.mount, "");
    assert_string_equal(config.secret, "");
    assert_false(config.allow_other);
    assert_false(config.inotify);
    assert_false(config.stale_on_quorum_loss);
    assert_int_equal(config.cache_time_ms, 0);
    assert_int_equal(config.lease_time_ms, 0);
    assert_int_equal(config.session_time_ms, 10000);
    assert_int_equal(config.priority, 0);
    assert_int_equal(config.heartbeat_ms, 100);
    assert_int_equal(config.request_timeout_ms, 5000);
    assert_true(allows("127.8.9.1") && allows("::1") && allows("::ffff:127.0.0.1"));
    assert_false(allows("10.0.0.1") || allows("fe80::1"));
}

static void every_field_is_read(void **state)
{
    load("// a node\n"
         "{ /* where */ \"addr\": \"b:2\", \"peer_addr\": \"[::1]:3\",\n"
         "  \"peers\": [\"c:2\", {\"addr\": \"a:2\", \"peer_addr\": \"a:3\"}, // more\n \"b:2\"],\n"
         "  \"mount\": \"mnt\", \"allow_other\": true, \"inotify\": true, \"clients\": "
         "[\"10.0.0.0/8\"],\n"
         "  \"cluster_secret\": \"with // and /* \\\" in it\", \"cache_time\": \"10m\",\n"
         "  \"lease_time\": \"200ms\", \"session_time\": \"2s\","
         "  \"clients_as\": \"1000:50\","
         "  \"hosts\": [\"store.example\", \"10.0.0.9:443\", \"[::1]:8443\"],\n"
         "  \"on_quorum_loss\": \"stale\", \"priority\": 7, \"heartbeat_ms\": 60000,\n"
         "  \"secret_file\": \"/s\", \"tls_cert\": \"c\", \"tls_key\": \"k\", \"tls_ca\": \"ca\",\n"
         "  \"tls\": \"required\", \"plain_health\": true, \"plain_peers\": true,\n"
         "  \"request_timeout\": \"500ms\" }\n");
    assert_string_equal(config.me.addr, "b:2");
    assert_string_equal(config.me.peer_addr, "[::1]:3");
    assert_int_equal(config.peer_count, 2);
    assert_string_equal(config.peers[0].addr, "c:2");
    assert_string_equal(config.peers[0].peer_addr, "c:2");
    assert_string_equal(config.peers[1].addr, "a:2");
    assert_string_equal(config.peers[1].peer_addr, "a:3");
    assert_memory_equal(config.mount, dir, strlen(dir));
    assert_string_equal(config.mount + strlen(dir), "/mnt");
    assert_true(config.inotify);
    assert_true(config.allow_other);
    assert_true(allows("10.1.2.3"));
    assert_false(allows("127.0.0.1"));
    assert_true(config.clients_as.given);
    assert_false(config.clients_as.named);
    assert_int_equal(config.clients_as.uid, 1000);
    assert_int_equal(config.clients_as.gid, 50);
    assert_int_equal(config.host_count, 3);
    assert_string_equal(config.hosts[0], "store.example");
    assert_string_equal(config.hosts[1], "10.0.0.9:443");
    assert_string_equal(config.hosts[2], "[::1]:8443");
    assert_string_equal(config.secret, "with // and /* \" in it");
    assert_string_equal(config.secret_file, "/s");
    assert_memory_equal(config.tls_cert, dir, strlen(dir));
    assert_string_equal(config.tls_cert + strlen(dir), "/c");
    assert_string_equal(config.tls_key + strlen(dir), "/k");
    assert_string_equal(config.tls_ca + strlen(dir), "/ca");
    assert_true(config.tls_required && config.plain_health && config.plain_peers);
    assert_int_equal(config.cache_time_ms, 600000);
    assert_int_equal(config.lease_time_ms, 200);
    assert_int_equal(config.session_time_ms, 2000);
    assert_true(config.stale_on_quorum_loss);
    assert_int_equal(config.priority, 7);
    assert_int_equal(config.heartbeat_ms, 60000);
    assert_int_equal(config.request_timeout_ms, 500);
}

static void clients_may_act_as_a_named_user(void **state)
{
    load("{\"addr\": \"a:1\", \"clients_as\": \"root\"}");
    assert_true(config.clients_as.given && config.clients_as.named);
    assert_int_equal(config.clients_as.uid, 0);
    load("{\"addr\": \"a:1\"}");
    assert_false(config.clients_as.given);
}

static void flags_win(void **state)
{
    const char *json = "{\"plain_peers\": true, \"addr\": \"a:1\", \"peers\": [\"b:1\", \"c:1\"], "
                       "\"mount\": \"x\"}";
    assert_int_equal(load_flags(json, "-a", "b:1", "--peers", "a:1,b:1,d:1"), 0);
    assert_string_equal(config.me.addr, "b:1");
    assert_int_equal(config.peer_count, 2);
    assert_string_equal(config.peers[0].addr, "a:1");
    assert_string_equal(config.peers[1].addr, "d:1");
    assert_int_equal(load_flags(json, "-p", "", "--mount=/m/n", NULL), 0);
    assert_int_equal(config.peer_count, 0);
    assert_string_equal(config.mount, "/m/n");
    assert_int_equal(load_flags(json, "-c", "10.0.0.0/8,::1", NULL, NULL), 0);
    assert_true(allows("10.0.0.1") && allows("::1"));
    assert_false(allows("127.0.0.1"));
}

static void wrong_flags_are_named(void **state)
{
    assert_wrong_flag("--adr", "a:1", "unknown flag --adr");
    assert_wrong_flag("-x", NULL, "unknown flag -x");
    assert_wrong_flag("--addr", NULL, "a value is missing after -a");
    assert_wrong_flag("--addr", "a", "--addr: expected HOST:PORT, found \"a\"");
    assert_wrong_flag("--peers", "b:1,,c:1", "--peers: expected at most 9 HOST:PORT");
    assert_wrong_flag("--peers", "b:1,b:1", "peers: b:1 is given twice");
    assert_wrong_flag("--peers", "b:1,c:1,B.:01", "peers: b:1 is given twice, also as B.:01");
    assert_wrong_flag("--peers", "localhost:1,127.0.0.1:1", "given twice, also as 127.0.0.1:1");
    assert_wrong_flag("--peers", "b:1,A:1", "peers: A:1 is this node's own addr, a:1, in another");
    assert_wrong_flag("--peers", "b:1,0.0.0.0:2", "peers: no node is reached at 0.0.0.0:2");
    assert_wrong_flag("--clients", "home", "--clients: expected at most 64 addresses");
    assert_wrong_flag("--mount", "", "--mount: expected");
    assert_wrong_flag("/tmp", "/srv", "one folder");
    assert_wrong_flag("-o", "commit=never",
                      "option -o: \"commit\": expected \"write\" or \"close\", found \"never\"");
    assert_wrong_flag("-o", "ro,quick", "option -o: unknown field \"quick\"");
    char *none[] = {"quorumfs", NULL};
    assert_int_equal(config_load(1, none, &config, &fault), -EINVAL);
    assert_non_null(strstr(fault.text, "which folder? Usage: quorumfs DIR"));
}

static void mount_options_are_understood(void **state)
{
    assert_int_equal(
        load_flags("{\"addr\": \"a:1\", \"cache_time\": \"1s\"}", "/srv/shared", NULL, NULL, NULL),
        0);
    assert_true(config.in_background);
    assert_string_equal(config.mount, "/srv/shared");
    assert_string_equal(config.mount_options, "");
    assert_false(config.commit_on_close);

    assert_int_equal(load_flags("{\"addr\": \"a:1\", \"cache_time\": \"1s\"}", "-o",
                                "rw,noexec,_netdev,x-systemd.automount,commit=close", "-o",
                                "allow_other,cache_time=2s,"),
                     0);
    assert_false(config.in_background);
    assert_string_equal(config.mount_options, ",rw,noexec");
    assert_true(config.commit_on_close);
    assert_true(config.allow_other);
    assert_int_equal(config.cache_time_ms, 2000);
}

static void options_that_change_nothing_are_taken(void **state)
{
    assert_int_equal(load_flags("{\"addr\": \"a:1\"}", "-o",
                                "nodiratime,lazytime,relatime,owner,silent,comment=x,X-mount.mkdir,"
                                "suid,dev", /* as mount.fuse3(8) adds them */
                                NULL, NULL),
                     0);
    assert_string_equal(config.mount_options, "");
    assert_false(config.remount);
    assert_false(config.suid || config.dev);
    assert_int_equal(
        load_flags("{\"addr\": \"a:1\", \"dev\": true, \"suid\": true}", NULL, NULL, NULL, NULL),
        0);
    assert_true(config.suid && config.dev);
}

static void options_that_cannot_be_are_refused_with_a_reason(void **state)
{
    assert_wrong_flag("-o", "strictatime",
                      "option -o: strictatime: reading never changes the access time of a file "
                      "here: leave it out");
    assert_wrong_flag("-o", "mand",
                      "option -o: mand: there are no mandatory locks here: leave it out");
    assert_wrong_flag("-o", "ro,user_id=0", "option -o: unknown field \"user_id\"");
}

static void a_remount_takes_what_the_kernel_shows(void **state)
{
    assert_int_equal(load_flags("{}", "/srv/shared", "-o",
                                "ro,user_id=0,group_id=0,remount,max_read=1048576,noexec", NULL),
                     0);
    assert_true(config.remount);
    assert_string_equal(config.mount_options, ",ro,noexec");
    assert_wrong_flag("-o", "ro,remount", "option -o: remount: of which MOUNTPOINT? See --help");
}

static void a_relative_folder_becomes_absolute(void **state)
{
    char *argv[] = {"quorumfs", "data", "--addr", "a:1", "--mount", "mnt", NULL};
    char here[4096], expected[5000];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(config_load(6, argv, &config, &fault), 0);
    snprintf(expected, sizeof expected, "%s/data", here);
    assert_string_equal(config.dir, expected);
    strcat(expected, "/mnt");
    assert_string_equal(config.mount, expected);
}

static void a_cluster_has_a_secret(void **state)
{
    assert_wrong("{\"addr\": \"a:1\", \"peers\": [\"b:1\"]}", "quorumfs secret new");
    assert_wrong(
        "{\"addr\": \"a:1\", \"peers\": [\"b:1\"], \"tls_cert\": \"c\", \"tls_key\": \"k\"}",
        "quorumfs secret new");
    load("{\"addr\": \"a:1\", \"peers\": [\"a:1\"]}");
    load("{\"addr\": \"a:1\", \"peers\": [\"b:1\"], \"secret_file\": \"s\"}");
    load("{\"addr\": \"a:1\", \"peers\": [\"b:1\"], \"cluster_secret\": \"s\"}");
    load("{\"addr\": \"a:1\", \"peers\": [\"b:1\"], \"plain_peers\": true}");
    load("{\"addr\": \"a:1\", \"peers\": [\"b:1\"], \"tls_cert\": \"c\", \"tls_key\": \"k\", "
         "\"tls_ca\": \"a\"}");
}

static void certificates_have_keys(void **state)
{
    assert_wrong("{\"addr\": \"a:1\", \"tls_cert\": \"c\"}", "tls_cert, tls_key: each");
    assert_wrong("{\"addr\": \"a:1\", \"tls_key\": \"c\"}", "tls_cert, tls_key: each");
    assert_wrong("{\"addr\": \"a:1\", \"tls_ca\": \"c\"}", "tls_cert, tls_key, tls_ca: each");
    assert_wrong("{\"addr\": \"a:1\", \"tls\": \"required\"}", "needs tls_cert and tls_key");
    assert_wrong("{\"addr\": \"a:1\", \"tls\": \"yes\"}", "\"optional\" or \"required\"");
}

static void a_secret_is_for_its_owner(void **state)
{
    const char *json = "{\"addr\": \"a:1\", \"cluster_secret\": \"s\"}";
    static const mode_t wrong[] = {0640, 0604, 0620, 0666, 0644};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        mode = wrong[i];
        assert_wrong(json, "chmod 600");
    }
    load("{\"addr\": \"a:1\", \"secret_file\": \"s\"}");
    mode = 0600;
    load(json);
    assert_wrong_flag("-o", "ro,cluster_secret=word", "every user of this machine");
    assert_wrong_flag("-o", "cluster_secret", "secret_file");
    assert_int_equal(load_flags("{\"addr\": \"a:1\"}", "-o", "secret_file=s", NULL, NULL), 0);
}

static void wrong_fields_are_named(void **state)
{
    assert_wrong("{}", "no addr: give");
    assert_wrong("{\"adr\": 1}", "unknown field \"adr\": expected one of addr, peer_addr, peers");
    assert_wrong("{\"addr\": \"a:1\", \"addr\": \"a:1\"}", "\"addr\" is given twice");
    assert_wrong("{\"addr\": \"a\"}", "\"addr\": expected \"HOST:PORT\"");
    assert_wrong("{\"addr\": \"a:0\"}", "found \"a:0\"");
    assert_wrong("{\"addr\": 8080}", "found 8080");
    assert_wrong("{\"peer_addr\": [1,2]}", "\"peer_addr\": expected \"HOST:PORT\"");
    assert_wrong("{\"peers\": \"a:1\"}", "\"peers\": expected a list");
    assert_wrong("{\"peers\": [\"a:1\", \"b\"]}", "found \"b\"");
    assert_wrong("{\"peers\": [{\"addr\": \"a:1\", \"port\": 2}]}",
                 "found {\"addr\":\"a:1\",\"port\":2}");
    assert_wrong("{\"peers\": [{\"peer_addr\": \"a:1\"}]}", "found {\"peer_addr\"");
    assert_wrong("{\"peers\": [{\"addr\": \"a:1\", \"peer_addr\": 1}]}", "\"peers\": expected");
    assert_wrong("{\"mount\": \"\"}", "\"mount\": expected the path of a folder, found \"\"");
    assert_wrong("{\"allow_other\": \"yes\"}",
                 "\"allow_other\": expected true or false, found \"yes\"");
    assert_wrong("{\"clients\": [\"::1\", \"10.0.0.0/33\"]}", "found \"10.0.0.0/33\"");
    assert_wrong("{\"clients_as\": 0}", "\"clients_as\": expected \"UID:GID\", or the name");
    assert_wrong("{\"clients_as\": \"no such user\"}", "found \"no such user\"");
    assert_wrong("{\"clients_as\": \"1:\"}", "found \"1:\"");
    assert_wrong("{\"clients_as\": \"1:2:3\"}", "found \"1:2:3\"");
    assert_wrong("{\"clients_as\": \"4294967295:0\"}", "found \"4294967295:0\"");
    assert_wrong("{\"clients_as\": \"\"}", "found \"\"");
    assert_wrong("{\"hosts\": \"store.example\"}",
                 "\"hosts\": expected a list of at most 32 names");
    assert_wrong("{\"hosts\": [\"a\", \"https://store.example\"]}",
                 "found \"https://store.example\"");
    assert_wrong("{\"hosts\": [\"\"]}", "found \"\"");
    assert_wrong("{\"hosts\": [\"a:0\"]}", "found \"a:0\"");
    assert_wrong("{\"hosts\": [\"a b\"]}", "found \"a b\"");
    assert_wrong("{\"hosts\": [\"*\"]}", "found \"*\"");
    assert_wrong("{\"hosts\": [\"[a]:1\"]}", "found \"[a]:1\"");
    assert_wrong("{\"cluster_secret\": \"\"}",
                 "\"cluster_secret\": expected a text of 1 to 255 bytes");
    assert_wrong("{\"cluster_secret\": 12345}", "found something else");
    assert_wrong("{\"on_quorum_loss\": \"wait\"}",
                 "expected \"fail\" or \"stale\", found \"wait\"");
    assert_wrong("{\"priority\": -1}", "\"priority\": expected a whole number from 0 to 1000000");
    assert_wrong("{\"heartbeat_ms\": 9}", "found 9");
    assert_wrong("{\"heartbeat_ms\": 60001}", "from 10 to 60000");
    assert_wrong("{\"heartbeat_ms\": 99.5}", "found 99.5");
    assert_wrong("{\"request_timeout\": \"99ms\"}", "from \"100ms\" to \"1h\"");
    assert_wrong("{\"lease_time\": \"1001ms\"}", "from \"0s\" to \"1s\", found \"1001ms\"");
    assert_wrong("{\"session_time\": \"999ms\"}", "from \"1s\" to \"1h\", found \"999ms\"");
    assert_wrong("{\"session_time\": \"61m\"}", "from \"1s\" to \"1h\"");
    assert_wrong("{\"request_timeout\": \"2h\"}", "found \"2h\"");
    assert_wrong("[1]", "expected an object");
}

static void durations_have_units(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } right[] = {{"0s", 0}, {"500ms", 500}, {"5s", 5000}, {"1h", 3600000}, {"2d", 172800000}};
    static const char *const wrong[] = {"",     "5",  "s",   "5 s",   "-5s",
                                        "1.5s", "5x", "5ss", "9999d", "1e3s"};
    char json[100];
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        sprintf(json, "{\"addr\": \"a:1\", \"cache_time\": \"%s\"}", right[i].text);
        load(json);
        assert_int_equal(config.cache_time_ms, right[i].ms);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        sprintf(json, "{\"addr\": \"a:1\", \"cache_time\": \"%s\"}", wrong[i]);
        assert_wrong(json, "\"cache_time\": expected a time such as");
    }
}

static void syntax_errors_have_a_place(void **state)
{
    assert_wrong("{\n  \"addr\": \"a:1\",\n  \"peers\": [\"b:1\" \"c:1\"]\n}\n",
                 "line 3, column 19: this is");
    assert_wrong("{\"addr\": \"a:1\" /* no end }\n",
                 "line 1, column 16: a comment that does not end");
    assert_wrong("{\"addr\": \"a:1\"} // fine\n x", "line 2, column 2: this is not JSON");
    assert_wrong("", "line 1, column 1: this is not JSON");
    assert_wrong("{\"addr\": \"no end /* }", "this is not JSON");
}

static void a_cluster_has_nine_nodes_at_most(void **state)
{
    load("{\"plain_peers\": true, \"addr\": \"n:1\", \"peers\": [\"n:1\", \"n:2\", \"n:3\", "
         "\"n:4\", \"n:5\", \"n:6\", "
         "\"n:7\", "
         "\"n:8\", \"n:9\"]}");
    assert_int_equal(config.peer_count, 8);
    assert_wrong("{\"plain_peers\": true, \"addr\": \"n:1\", \"peers\": [\"n:10\", \"n:2\", "
                 "\"n:3\", \"n:4\", \"n:5\", \"n:6\", "
                 "\"n:7\", \"n:8\", \"n:9\"]}",
                 "at most 9 nodes");
    assert_wrong("{\"plain_peers\": true, \"addr\": \"n:1\", \"peers\": [\"n:1\", \"n:2\", "
                 "\"n:3\", \"n:4\", \"n:5\", \"n:6\", "
                 "\"n:7\", \"n:8\", \"n:9\", \"n:10\"]}",
                 "found \"n:10\"");
}

static void all_nodes_see_the_same_cluster(void **state)
{
    uint64_t first, second, alone;
    uint32_t me, pids[PAXOS_NODES_MAX - 1];
    load("{\"plain_peers\": true, \"addr\": \"h:8081\", \"peers\": [\"h:8082\", \"h:8080\"]}");
    config_cluster(&config, &first, &me, pids);
    assert_int_equal(me, 2);
    assert_int_equal(pids[0], 3);
    assert_int_equal(pids[1], 1);
    load("{\"plain_peers\": true, \"addr\": \"h:8080\", \"peers\": [\"h:8080\", \"h:8081\", "
         "\"h:8082\"]}");
    config_cluster(&config, &second, &me, pids);
    assert_int_equal(me, 1);
    assert_int_equal(pids[0], 2);
    assert_int_equal(pids[1], 3);
    assert_true(first == second);
    load("{\"addr\": \"h:8080\"}");
    config_cluster(&config, &alone, &me, pids);
    assert_int_equal(me, 1);
    assert_true(alone != first);
    assert_true(alone != 0);
}

static void the_own_peer_addr_may_come_from_the_common_list(void **state)
{
    load("{\"plain_peers\": true, \"addr\": \"a:1\", \"peers\": [{\"addr\": \"a:1\", "
         "\"peer_addr\": \"a:2\"}, \"b:1\"]}");
    assert_string_equal(config.me.peer_addr, "a:2");
    assert_int_equal(config.peer_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_addr_is_enough),
        cmocka_unit_test(every_field_is_read),
        cmocka_unit_test(clients_may_act_as_a_named_user),
        cmocka_unit_test(flags_win),
        cmocka_unit_test(wrong_flags_are_named),
        cmocka_unit_test(mount_options_are_understood),
        cmocka_unit_test(options_that_change_nothing_are_taken),
        cmocka_unit_test(options_that_cannot_be_are_refused_with_a_reason),
        cmocka_unit_test(a_remount_takes_what_the_kernel_shows),
        cmocka_unit_test(a_relative_folder_becomes_absolute),
        cmocka_unit_test(a_cluster_has_a_secret),
        cmocka_unit_test(certificates_have_keys),
        cmocka_unit_test(a_secret_is_for_its_owner),
        cmocka_unit_test(wrong_fields_are_named),
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(syntax_errors_have_a_place),
        cmocka_unit_test(a_cluster_has_nine_nodes_at_most),
        cmocka_unit_test(all_nodes_see_the_same_cluster),
        cmocka_unit_test(the_own_peer_addr_may_come_from_the_common_list),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
