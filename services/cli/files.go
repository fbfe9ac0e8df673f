package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"spool.internal/gateway/client"
)

// filesCommand is the noun of the files on the drives, and in the folders of jobs.
func filesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "files", Short: "Put files into folders, fetch them, find out where one is and why it waits"}
	cmd.AddCommand(filesPut(), filesList(), filesGet(), filesWhere(), filesReprocess(), filesMark())
	return cmd
}

func room(n *int64) string {
	if n == nil {
		return ""
	}
	return size(*n)
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

type node = client.Folder_Nodes

func filesList() *cobra.Command {
	cmd := &cobra.Command{
		Use: "ls [PATH]", Short: "List a folder of a drive, or the drives", Args: cobra.MaximumNArgs(1),
		Example: "  spool files ls\n  spool files ls admin/repo/fs/Office/scans",
	}
	return verb(watchable(cmd), func(ctx context.Context, s *session, args []string) error {
		if len(args) == 0 {
			return list(s, driveTable(), pages[client.Drive]("drives", 0, func(token *string, most int) (*http.Response, error) {
				return s.ListDrives(ctx, &client.ListDrivesParams{PageToken: token, Limit: &most})
			}))
		}
		folder := strings.TrimRight(args[0], "/")
		return list(s, nodeTable(s.out), pages[node]("nodes", 0, func(token *string, most int) (*http.Response, error) {
			return s.GetFile(ctx, folder, &client.GetFileParams{ExpectNodeType: new(client.GetFileParamsExpectNodeType("folder")), PageSize: &most, PageToken: token})
		}))
	})
}

func driveTable() table[client.Drive] {
	return table[client.Drive]{
		columns: []column[client.Drive]{
			{"drive", func(d client.Drive) string { return d.Path }},
			{"free", func(d client.Drive) string { return room(d.FreeBytes) }},
			{"of", func(d client.Drive) string { return room(d.TotalBytes) }},
			{"writable", func(d client.Drive) string { return yesNo(d.Writable) }},
			{"problem", func(d client.Drive) string { return value(d.Problem) }},
			{"reaches", func(d client.Drive) string { return strings.Join(value(d.Reaches), ", ") }},
			{"folder", func(d client.Drive) string { return value(d.HostFolder) }},
			{"from", func(d client.Drive) string { return strings.TrimSpace(string(d.From) + " " + value(d.By)) }},
		},
		shown: 5,
		name:  func(d client.Drive) string { return d.Path },
		empty: "Your token reaches no drive.",
	}
}

func nodeTable(p *printer) table[node] {
	folder := func(n node) bool { return n.Metadata.NodeType == "folder" }
	return table[node]{
		columns: []column[node]{
			{"name", func(n node) string {
				if folder(n) {
					return n.Name + "/"
				}
				return n.Name
			}},
			{"size", func(n node) string {
				if folder(n) {
					return ""
				}
				return size(int64(n.Metadata.Size))
			}},
			{"modified", func(n node) string { return p.time(time.Unix(int64(n.Metadata.ModifiedTimestamp), 0), "") }},
			{"path", func(n node) string { return n.FullPath }},
			{"bytes", func(n node) string { return strconv.Itoa(n.Metadata.Size) }},
		},
		shown: 3,
		name:  func(n node) string { return n.FullPath },
		empty: "The folder is empty.",
	}
}

func filesGet() *cobra.Command {
	var to string
	var force bool
	cmd := &cobra.Command{
		Use: "get PATH…", Short: "Fetch files from a drive", Args: cobra.MinimumNArgs(1),
		Long: `Fetch files from a drive into a folder, under their names; what of a name is not for a
terminal becomes _. A file that is there already is not replaced, unless --force says so.
What breaks off leaves nothing. --to - prints one file.`,
		Example: "  spool files get admin/repo/fs/Office/archive/scan1.txt --to /tmp\n  spool files get admin/repo/fs/Office/archive/scan1.txt --to -",
	}
	verb(cmd, func(ctx context.Context, s *session, paths []string) error {
		asked := &client.GetFileParams{ExpectNodeType: new(client.GetFileParamsExpectNodeType("file"))}
		if to == "-" {
			if len(paths) != 1 {
				return misused("to: - prints one file: name it")
			}
			return copyTo(s.out.w, answered(s.GetFile(ctx, paths[0], asked)))
		}
		into, err := openSaver(to, force)
		if err != nil {
			return err
		}
		defer into.close()
		saved := []fetched{}
		for i, name := range paths {
			resp, err := s.GetFile(ctx, name, asked)
			where := ""
			if err == nil {
				where, err = s.keep(into, path.Base(name), resp)
			}
			if err != nil {
				if err = s.explain(err); i > 0 {
					err = failure(Partly, "%d of %d files are fetched; %s: %w", i, len(paths), clean(name), err)
				}
				return errors.Join(s.out.fetched(saved), err)
			}
			saved = append(saved, fetched{name, where})
		}
		return s.out.fetched(saved)
	})
	cmd.Flags().StringVar(&to, "to", ".", "folder for the files; - prints one")
	cmd.Flags().BoolVar(&force, "force", false, "replace files that are there")
	return cmd
}

// inputOf returns the folder that a job watches, or reads.
func inputOf(j client.StoredParameters) string {
	if folder, ok := j["input"].(string); ok { // of the short form
		return folder
	}
	flow, _ := j["flow_parameters"].(map[string]any)
	folder, _ := flow["input_dir"].(string)
	return folder
}

// below returns a path that lies below a folder, as the folder sees it.
func below(folder, name string) (string, bool) {
	folder, name = strings.TrimRight(folder, "/"), filepath.ToSlash(name)
	rest, ok := strings.CutPrefix(name, folder+"/")
	return rest, ok && folder != "" && rest != ""
}

// folderPath returns a path on a drive for a name in a folder.
func folderPath(folder, name string) string {
	return fmt.Sprintf("%s/%s", strings.TrimRight(folder, "/"), name)
}
